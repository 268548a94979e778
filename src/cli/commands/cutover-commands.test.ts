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

/** Imports acme and beta, checks their keys and lets both consent. */
async function verifyBoth(): Promise<void> {
  await cli.write('customers.csv', header + acme + beta);
  expect((await cli.run('import', 'customers.csv')).code).toBe(0);
  await cli.consent('acme', 'AAA111');
  await cli.consent('beta', 'BBB222');
}

describe('cutover, rollback and retire', () => {
  it('take every connection that is ready along, and back', async () => {
    await verifyBoth();
    const { code, json } = await cli.run('cutover', '--all', '--json');
    expect(code).toBe(0);
    expect(json).toEqual([{ done: 2, skipped: 0, failures: [] }]);
    expect((await cli.run('cutover', '--all', '--json')).json).toMatchObject([{ skipped: 2 }]);
    expect((await cli.run('rollback', '--customer', 'beta')).stdout).toBe(
      '1 rolled back to its key, 0 failed, 0 at other stages\n',
    );
    const early = await cli.run('retire', '--all', '--yes');
    expect(early.code).toBe(1);
    expect(early.stderr).toMatch(/acme: .*0\.0 of 7\.0 days.*Fix: /);
    const waiting = await cli.run('retire', '--all', '--quiet-days', '0', '--yes');
    expect(waiting).toMatchObject({
      code: 2,
      stdout: '0 retired, 0 failed, 1 at other stages, 1 waiting for the key to go\n',
      stderr: expect.stringContaining('acme: quiet; the key still works in Klaviyo') as string,
    });
    const check = await cli.run('retire', '--customer', 'acme', '--check', '--quiet-days', '0');
    expect(check.code).toBe(2);
    expect(check.stdout).toContain('  [x] grant alive: Klaviyo answers over OAuth\n');
    expect(check.stdout).toContain('  [ ] key dead: the key still works in Klaviyo\n');
    const letter = await cli.run('retire', '--customer', 'acme', '--instructions');
    expect(letter.stdout).toContain('https://www.klaviyo.com/settings/account/api-keys');
    const reason = ['--without-proof', 'acme deletes it tomorrow'];
    const both = await cli.run('retire', '--all', '--check', ...reason);
    expect(both.stderr).toContain('contradict');
    expect((await cli.run('retire', '--all', '--quiet-days', '0', '--yes', ...reason)).code).toBe(
      0,
    );
    const { stdout } = await cli.run('status');
    expect(stdout).toContain('1 verified, 1 retired');
    expect((await cli.run('rollback', '--customer', 'acme')).code).toBe(1);
  });

  it('fail for a connection that is not ready, and say why, and do the others', async () => {
    await verifyBoth();
    await cli.write('more.csv', `${header}late,pk_gamma0123456789abcdef,Late\n`);
    await cli.run('import', 'more.csv');
    const all = ['--customer', 'late', '--customer', 'acme'];
    const { code, json } = await cli.run('cutover', ...all, '--json');
    expect(code).toBe(1);
    expect(json).toEqual([
      {
        done: 1,
        skipped: 0,
        failures: [
          {
            customer_id: 'late',
            error: 'stage_conflict',
            error_description: expect.stringContaining('late is checked') as string,
            fix: expect.any(String) as string,
          },
        ],
      },
    ]);
  });

  it('account for every customer who was named, also beside one who is not known', async () => {
    await verifyBoth();
    const names = ['--customer', 'acme', '--customer', 'nobody', '--customer', 'beta'];
    const { code, stdout } = await cli.run('cutover', ...names, '--json');
    const { stdout: after } = await cli.run('status', '--json');
    expect(code).toBe(1);
    const { connections } = JSON.parse(after) as { connections: { stage: string }[] };
    const live = connections.filter(({ stage }) => stage === 'live').length;
    // Either nothing was done, or the answer says how much.
    if (live > 0) expect(JSON.parse(stdout || '{}')).toMatchObject({ done: live });
    expect([0, 2]).toContain(live);
  });
});
