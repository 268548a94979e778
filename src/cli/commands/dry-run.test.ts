import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCliBench, type CliBench } from '../../../test/support/cli-fixture.ts';

const customers = [
  'customer_id,private_key,name',
  'acme,pk_alpha0123456789abcdef,Acme',
  'beta,pk_beta0123456789abcdef,Beta',
  'late,pk_gamma0123456789abcdef,Late',
].join('\n');

let cli: CliBench;
beforeEach(async () => {
  cli = await openCliBench();
  await cli.write('customers.csv', customers);
  await cli.run('import', 'customers.csv');
  await cli.consent('acme', 'AAA111');
  await cli.consent('beta', 'BBB222');
  await cli.run('cutover', '--customer', 'beta');
});
afterEach(() => cli[Symbol.asyncDispose]());

/** All that a command could have changed, as far as the database tells. */
async function everything(): Promise<string> {
  const parts = [
    await cli.run('status', '--json'),
    await cli.run('audit', 'list', '--json'),
    await cli.run('outbox', '--no-send', '--json'),
    await cli.run('kill-switch', '--json'),
    await cli.run('fall-back', '--json'),
    await cli.run('exceptions', 'list', '--json'),
  ];
  return parts.map(({ stdout }) => stdout).join('\n');
}

describe('--dry-run', () => {
  it(
    'prints what would change and what would not, and changes nothing',
    { timeout: 60_000 },
    async () => {
      const before = await everything();
      const plans: [string[], Record<string, string>, Record<string, string>][] = [
        [
          ['canary', '--all', '--percent', '10'],
          { acme: 'verified → canary: 10 % of its calls over OAuth' },
          { beta: 'other_stage', late: 'other_stage' },
        ],
        [
          ['cutover', '--all'],
          { acme: 'verified → live: all of its calls over OAuth' },
          { beta: 'other_stage', late: 'other_stage' },
        ],
        [
          ['rollback', '--all'],
          { beta: 'live → verified: all of its calls with the private key' },
          { acme: 'other_stage', late: 'other_stage' },
        ],
        [
          ['retire', '--all', '--quiet-days', '0'],
          { beta: 'its stored key is destroyed if Klaviyo rejects it' },
          { acme: 'other_stage', late: 'other_stage' },
        ],
        [
          ['verify', '--all'],
          {
            acme: 'its consent is checked in Klaviyo',
            beta: 'its consent is checked in Klaviyo',
          },
          { late: 'other_stage' },
        ],
        [['invite'], { late: 'it gets a link' }, { acme: 'other_stage', beta: 'other_stage' }],
        [
          ['kill-switch', 'key'],
          { beta: 'its calls go with its private key' },
          { acme: 'already', late: 'already' },
        ],
        [
          ['fall-back', 'off'],
          { beta: 'calls that Klaviyo rejects over OAuth fail: its key is not tried' },
          { acme: 'already', late: 'already' },
        ],
        [
          ['exceptions', 'add', 'create_event', '--route', 'key'],
          { acme: 'create_event with its private key', late: 'create_event with its private key' },
          { beta: 'other_stage' },
        ],
        [
          ['shadow', '--customer', 'acme', '--percent', '5'],
          { acme: '5 % of its reads are repeated over OAuth, instead of 0 %' },
          {},
        ],
      ];
      for (const [args, changes, skips] of plans) {
        const { code, json } = await cli.run(...args, '--dry-run', '--json');
        expect([args[0], code, json]).toEqual([
          args[0],
          0,
          [
            {
              dry_run: true,
              changes: Object.entries(changes).map(([id, change]) => ({ customer_id: id, change })),
              skips: Object.entries(skips).map(([id, skip]) => ({
                customer_id: id,
                code: skip,
                reason: expect.stringContaining(id) as string,
              })),
            },
          ],
        ]);
      }
      expect(await everything()).toBe(before);
    },
  );

  it('fails for a customer who is named and not ready, as the command itself would', async () => {
    const names = ['--customer', 'acme', '--customer', 'late'];
    const { code, stdout, stderr } = await cli.run('cutover', ...names, '--dry-run');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^late: .*late is checked; only verified.* Fix: /);
    expect(stdout).toContain('acme      verified → live: all of its calls over OAuth\n');
    expect(stdout).toContain('1 connection would change, 1 would not. Nothing was changed.\n');
  });
});
