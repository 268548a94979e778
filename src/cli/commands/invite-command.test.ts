import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCliBench, type CliBench } from '../../../test/support/cli-fixture.ts';

const header = 'customer_id,private_key,name\n';
const acme = 'acme,pk_alpha0123456789abcdef,Acme\n';
const key = 'pk_gamma0123456789abcdef';
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
    const first = await cli.run('invite', '--print-links', '--json', '--days', '7');
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
    expect((await cli.run('invite', '--print-links', '--json')).stdout).toBe(first.stdout);
    const text = await cli.run('invite', '--print-links');
    expect(text.stdout.trimEnd().split('\n')).toHaveLength(2);
    expect(text.stderr).toContain('2 invited, 1 skipped');
  });

  it('stops where nobody would be told, and invites nobody', async () => {
    await cli.write('customers.csv', header + acme + beta);
    await cli.run('import', 'customers.csv');
    for (const flags of [[], ['--json'], ['--wave', 'spring'], ['--dry-run']]) {
      const { code, stdout, stderr } = await cli.run('invite', ...flags);
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(/^keyshift: Say how the customers get their links\. Fix: .*--mail/);
    }
    const { json } = await cli.run('status', '--json');
    expect(json).toMatchObject([{ stages: { checked: 2 } }]);
  });

  it('keeps links out of its JSON unless they are asked for', async () => {
    await cli.write('customers.csv', header + acme);
    await cli.run('import', 'customers.csv');
    const { json, stdout } = await cli.run('invite', '--csv', 'links.csv', '--json');
    expect(json).toMatchObject([{ customer_id: 'acme', export: 'queued' }]);
    expect(stdout).not.toContain('/connect/');
  });

  it('asks at a terminal before it invites more than ten, and --yes answers', async () => {
    const rows = Array.from({ length: 11 }, (_each, at) => `shop-${at},${key},Shop ${at}`);
    await cli.write('customers.csv', header + rows.join('\n'));
    await cli.run('import', 'customers.csv');
    const refused = await cli.runAnswering(false, 'invite', '--print-links');
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: 'Nothing was changed.\n' });
    expect(refused.questions).toEqual(['11 connections would change. Go on? [y/N] ']);
    const few = await cli.runAnswering(false, 'invite', '--print-links', '--limit', '10');
    expect(few).toMatchObject({ code: 0, questions: [] });
    const agreed = await cli.runAnswering(true, 'invite', '--print-links');
    expect(agreed).toMatchObject({ code: 0, questions: [expect.any(String)] });
    const rolled = await cli.runAnswering(false, 'invite', '--print-links', '--yes');
    expect(rolled).toMatchObject({ code: 0, questions: [] });
  });

  it('fails for a customer who was named and cannot be invited', async () => {
    await cli.write('customers.csv', header + acme);
    await cli.run('import', 'customers.csv', '--no-check');
    const { code, stdout, stderr } = await cli.run('invite', '--print-links', '--customer', 'acme');
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/acme.*has not been checked.*Fix: /);
  });
});
