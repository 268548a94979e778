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

describe('check', () => {
  it('answers 2 when a key needs a look, and 0 when there is nothing to do', async () => {
    const poor = 'poor,pk_alphametrics0123456789,Poor\n';
    const test = 'test,pk_gamma0123456789abcdef,Test\n';
    await cli.write('customers.csv', header + acme + poor + test);
    await cli.run('import', 'customers.csv', '--no-check');
    const { code, stdout, stderr } = await cli.run('check');
    expect(code).toBe(2);
    expect(stdout).toBe('Keys: 2 checked, 1 without accounts:read\n');
    expect(stderr).toMatch(/poor: .*accounts:read/);
    expect(stderr).toContain('test: test account');
    expect(await cli.run('check')).toMatchObject({ code: 0, stdout: 'Keys: none to check\n' });
  });

  it('that is interrupted ends in order, and can be run again', async () => {
    await cli.write('customers.csv', header + acme + beta);
    await cli.run('import', 'customers.csv', '--no-check');
    const match = { path: '/api/accounts' };
    cli.sandbox.addFault({ kind: 'delay', delayMs: 5_000, match });
    const { code, stderr } = await cli.runInterrupted(150, 'check');
    cli.sandbox.clearFaults();
    expect(await cli.run('check', '--json')).toMatchObject({ json: [{ checked: 2 }] });
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(code).not.toBe(70);
    expect(code).not.toBe(0);
  });
});
