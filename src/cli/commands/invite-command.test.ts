import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCliBench, type CliBench } from '../../../test/support/cli-fixture.ts';

const header = 'customer_id,private_key,name\n';
const acme = 'acme,pk_alpha0123456789abcdef,Acme\n';
const beta = 'beta,pk_beta0123456789abcdef,Beta\n';

let cli: CliBench;
beforeEach(async () => void (cli = await openCliBench()));
afterEach(async () => {
  expect(cli.printed()).not.toMatch(/pk_[a-z0-9]{6}|secret-one|session-secret/);
  await cli[Symbol.asyncDispose]();
});

describe('invite', () => {
  it('prints a link for everyone who can be invited, the same link each time', async () => {
    const unknown = 'gone,pk_unknown0123456789,Gone\n';
    await cli.write('customers.csv', header + acme + beta + unknown);
    await cli.run('import', 'customers.csv');
    const first = await cli.run('invite', '--json', '--days', '7');
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.json).toEqual([
      {
        customer_id: 'acme',
        account_id: 'AAA111',
        link: expect.stringMatching(/^http:\/\/localhost:5000\/connect\/[\w-]{43}$/) as string,
        expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
      },
      expect.objectContaining({ customer_id: 'beta', account_id: 'BBB222' }),
    ]);
    expect((await cli.run('invite', '--json')).stdout).toBe(first.stdout);
    const text = await cli.run('invite');
    expect(text.stdout.trimEnd().split('\n')).toHaveLength(2);
    expect(text.stderr).toContain('2 invited, 1 skipped');
  });

  it('fails for a customer who was named and cannot be invited', async () => {
    await cli.write('customers.csv', header + acme);
    await cli.run('import', 'customers.csv', '--no-check');
    const { code, stdout, stderr } = await cli.run('invite', '--customer', 'acme');
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/acme.*has not been checked.*Fix: /);
  });
});
