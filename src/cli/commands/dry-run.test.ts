import { DatabaseSync } from 'node:sqlite';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCliBench, type CliBench } from '../../../test/support/cli-fixture.ts';
import { testSeed } from '../../../test/support/keyshift-fixture.ts';
import { startSmtpSink, type SmtpSink } from '../../../test/support/smtp-sink.ts';
import type { SandboxSeed } from '../../sandbox.ts';
import { trafficBucketOf } from '../../model/traffic.ts';
import { createProgram } from '../main.ts';
import { createTerminal } from '../terminal.ts';

const customers = [
  'customer_id,private_key,name,email',
  'acme,pk_alpha0123456789abcdef,Acme,ada@acme.example',
  'beta,pk_beta0123456789abcdef,Beta,bo@beta.example',
  'dune,pk_dune0123456789abcdef,Dune,di@dune.example',
  'late,pk_gamma0123456789abcdef,Late,lu@late.example',
  'lost,pk_gamma0123456789abcdef,Lost,refused@lost.example',
  'past,pk_past0123456789abcdef,Past,pia@past.example',
  'soon,pk_gamma0123456789abcdef,Soon,sam@soon.example',
  'told,pk_gamma0123456789abcdef,Told,tim@told.example',
  'twin,pk_twin0123456789abcdef,Twin,tom@twin.example',
].join('\n');

/** Whom each customer who consented belongs to. */
const accounts = { acme: 'AAA111', beta: 'BBB222', dune: 'DDD444', past: 'EEE555' };
const seed: SandboxSeed = {
  ...testSeed,
  accounts: [
    ...testSeed.accounts,
    ...[
      { id: 'DDD444', name: 'dune' },
      { id: 'EEE555', name: 'past' },
      { id: 'FFF666', name: 'twin' },
    ].map(({ id, name }) => ({
      ...{ id, name },
      keys: [{ key: `pk_${name}0123456789abcdef`, name: 'Full', scopes: 'full' as const }],
    })),
  ],
};

/**
 * What each command that changes something would do to the database of this test: by customer the
 * words of its plan, or the code by which the customer is skipped. `undefined` where the command
 * has words of its own.
 */
const plans: readonly [command: string, plan?: Readonly<Record<string, string>>][] = [
  ['import fresh.csv --no-check'],
  ['check', { news: 'its key is checked in Klaviyo' }],
  ['invite --print-links --customer late', { late: 'it gets a link' }],
  ['invite --revoke --customer told', { told: 'its open link is revoked' }],
  [
    'remind --after-days 0 --quiet-hours none',
    {
      lost: 'not_told',
      soon: /^reminder 1 of 2 by email/.source,
      told: /^reminder 1 of 2 by email/.source,
      twin: 'no_link',
    },
  ],
  ['remind --save'],
  ['remind --off'],
  ['outbox', { soon: 'its invitation by mail is sent' }],
  ['outbox --resend failed', { lost: 'its invitation by mail is sent again' }],
  ['verify --customer acme', { acme: 'its consent is checked in Klaviyo' }],
  [
    'override --customer twin --account CCC333 --reason moved',
    { twin: 'account FFF666 → CCC333; its consent is checked in Klaviyo' },
  ],
  [
    'disconnect --customer beta --customer dune --customer late',
    {
      beta: 'live → checked: all of its calls with the private key; its grant is revoked',
      dune: 'canary → checked: all of its calls with the private key; its grant is revoked',
      late: 'already',
    },
  ],
  [
    'canary --customer acme --percent 10',
    { acme: 'verified → canary: 10 % of its calls over OAuth' },
  ],
  ['cutover --customer acme', { acme: 'verified → live: all of its calls over OAuth' }],
  ['rollback --customer beta', { beta: 'live → verified: all of its calls with the private key' }],
  [
    'watch --once',
    { dune: /^put on hold, back on its key: 100\.0 % of 50 calls over OAuth/.source },
  ],
  ['metrics snapshot --customer acme', { acme: 'its metrics are read and kept' }],
  ['metrics compare --customer acme', { acme: 'its metrics are compared' }],
  [
    'retire --customer beta --quiet-days 0',
    { beta: 'its stored key is destroyed if Klaviyo rejects it' },
  ],
  ['refresh --due'],
  [
    'kill-switch key',
    {
      beta: 'its calls go with its private key',
      dune: 'its calls go with its private key',
      past: 'no_credential',
      ...Object.fromEntries(
        ['acme', 'late', 'lost', 'news', 'soon', 'told', 'twin'].map((id) => [id, 'already']),
      ),
    },
  ],
  [
    'fall-back off',
    {
      beta: 'calls that Klaviyo rejects over OAuth fail: its key is not tried',
      dune: 'calls that Klaviyo rejects over OAuth fail: its key is not tried',
      ...Object.fromEntries(
        ['acme', 'late', 'lost', 'news', 'past', 'soon', 'told', 'twin'].map((id) => [
          id,
          'already',
        ]),
      ),
    },
  ],
  [
    'exceptions add create_event --route key --customer acme',
    { acme: 'create_event with its private key' },
  ],
  [
    'exceptions remove get_profiles --customer acme',
    { acme: 'get_profiles on its own route again' },
  ],
  [
    'shadow --customer acme --percent 5 --clear',
    {
      acme: '5 % of its reads are repeated over OAuth, instead of 0 %; its comparisons are forgotten',
    },
  ],
  ['forget-key --customer past', { past: 'calls that arrive with its destroyed key are rejected' }],
];

/** Commands that only read the database, each with what it needs to run. */
const reading = [
  'status',
  'report',
  'audit verify',
  'audit list',
  'metrics lint .',
  'exceptions list',
  'stray',
  'scopes --days 1',
  'kill-switch',
  'fall-back',
  'outbox --no-send',
  'retire --customer beta --check',
  'retire --customer beta --instructions',
  'invite --preview',
];

/** Commands that run a server, or a world of their own in a folder of their own. */
const worlds = ['serve', 'sandbox', 'rehearse', 'demo'];

let cli: CliBench;
let sink: SmtpSink;
beforeAll(async () => {
  sink = await startSmtpSink({
    refuse: (to) => (to.startsWith('refused') ? { code: 550, text: 'no such user' } : undefined),
  });
  cli = await openCliBench({ SMTP_URL: sink.url, MAIL_FROM: 'Acme <hello@acme.example>' }, seed);
  await cli.write('customers.csv', customers);
  await cli.write('fresh.csv', 'customer_id,private_key\nfresh,pk_fresh0123456789abcdef');
  await cli.write('news.csv', 'customer_id,private_key\nnews,pk_news0123456789abcdef');
  await cli.run('import', 'customers.csv');
  await cli.run('import', 'news.csv', '--no-check');
  for (const [customer, account] of Object.entries(accounts)) await cli.consent(customer, account);
  await expect(cli.consent('twin', 'CCC333')).rejects.toThrow('Gamma Test');
  await cli.run('cutover', '--customer', 'beta', '--customer', 'past');
  await cli.run('canary', '--customer', 'dune', '--percent', '50');
  const unproven = ['--quiet-days', '0', '--without-proof', 'a test', '--yes'];
  expect((await cli.run('retire', '--customer', 'past', ...unproven)).code).toBe(0);
  await cli.run('exceptions', 'add', 'get_profiles', '--route', 'key', '--customer', 'acme');
  await cli.run('metrics', 'snapshot', '--customer', 'acme');
  await cli.run('invite', '--mail', '--customer', 'told', '--customer', 'lost');
  await cli.run('invite', '--mail', '--no-send', '--customer', 'soon');
  await cli.withKeyshift(async ({ store, clock }) => {
    const lastAtMs = clock.now();
    const [acme, dune] = [
      await store.connections.findByCustomer('acme'),
      await store.connections.findByCustomer('dune'),
    ];
    await store.shadow.add([
      {
        ...{ connectionId: acme!.id, operation: 'get_profiles', compared: 3, different: 1 },
        ...{ lastDifference: 'status', lastDifferentAtMs: lastAtMs, lastComparedAtMs: lastAtMs },
      },
    ]);
    await store.traffic.add([
      {
        ...{ connectionId: dune!.id, route: 'oauth', operation: 'get_profiles', calls: 50 },
        ...{ outcome: '5xx', totalMs: 50, lastError: '503', lastAtMs },
        bucketStartMs: trafficBucketOf(lastAtMs),
      },
    ]);
  });
}, 60_000);
afterAll(async () => {
  await cli[Symbol.asyncDispose]();
  await sink[Symbol.asyncDispose]();
});

/** Every row of every table. */
function everything(): Record<string, unknown[]> {
  const db = new DatabaseSync('keyshift.db', { readOnly: true });
  try {
    const tables = db.prepare(`select name from sqlite_master where type = 'table'`).all();
    return Object.fromEntries(
      tables.map(({ name }) => [String(name), db.prepare(`select * from "${String(name)}"`).all()]),
    );
  } finally {
    db.close();
  }
}

const words = (command: string) => command.split(' ');

async function listCommands(): Promise<Map<string, Command>> {
  const program = await createProgram(undefined, {
    terminal: createTerminal(),
    run: () => () => Promise.resolve(),
  });
  const found = new Map<string, Command>();
  const visit = (command: Command, path: string[]) => {
    if (command.commands.length === 0) found.set(path.join(' '), command);
    for (const each of command.commands) visit(each, [...path, each.name()]);
  };
  visit(program, []);
  return found;
}

describe('--dry-run', () => {
  it('is an option of every command that changes something, and each is tried here', async () => {
    const all = await listCommands();
    const isTried = (name: string, tried: readonly string[]) =>
      tried.some((command) => command === name || command.startsWith(`${name} `));
    const changing = plans.map(([command]) => command);
    const untried = [...all.keys()].filter(
      (name) => !isTried(name, changing) && !isTried(name, reading) && !worlds.includes(name),
    );
    expect(untried, 'give it --dry-run and a line in this table').toEqual([]);
    for (const [name, command] of all) {
      const flags = command.options.map(({ long }) => long);
      expect([name, flags.includes('--dry-run')]).toEqual([name, isTried(name, changing)]);
    }
  });

  it.each(plans)('of `%s` says what would change, and changes nothing', async (command, plan) => {
    const before = everything();
    const result = await cli.run(...words(command), ...(plan ? ['--json'] : []), '--dry-run');
    expect(everything()).toEqual(before);
    expect([result.code, result.stderr]).toEqual([0, expect.any(String)]);
    expect(sink.mails).toHaveLength(1);
    if (!plan) {
      expect(result.stdout).toMatch(/would|Nothing was/);
      return;
    }
    const [answer] = result.json as { changes: Entry[]; skips: Entry[] }[];
    const found = [
      ...answer!.changes.map(({ customer_id: id, change }) => [id, change]),
      ...answer!.skips.map(({ customer_id: id, code: why }) => [id, why]),
    ];
    expect(Object.fromEntries(found)).toEqual(
      Object.fromEntries(
        Object.entries(plan).map(([id, text]) => [
          id,
          text.startsWith('^') ? expect.stringMatching(new RegExp(text)) : text,
        ]),
      ),
    );
  });

  it.each(reading)('is not needed by `%s`, which only reads', async (command) => {
    const before = everything();
    await cli.run(...words(command));
    expect(everything()).toEqual(before);
  });

  it('fails for a customer who is named and not ready, as the command itself would', async () => {
    const names = ['--customer', 'acme', '--customer', 'late'];
    const { code, stdout, stderr } = await cli.run('cutover', ...names, '--dry-run');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^late: .*late is checked; only verified.* Fix: /);
    expect(stdout).toContain('acme      verified → live: all of its calls over OAuth\n');
    expect(stdout).toContain('1 connection would change, 1 would not. Nothing was changed.\n');
  });
});

interface Entry {
  readonly customer_id: string;
  readonly change?: string;
  readonly code?: string;
}

describe('a command that is final', () => {
  const finals = [
    ['retire', '--customer', 'beta', '--quiet-days', '0'],
    ['disconnect', '--customer', 'beta'],
    ['kill-switch', 'key'],
    ['forget-key', '--customer', 'past'],
    ['invite', '--revoke', '--customer', 'told'],
    ['invite', '--reissue', '--customer', 'told', '--print-links'],
  ];

  it.each(finals)('stops where nobody can be asked, and names --yes: %s %s', async (...args) => {
    const before = everything();
    const { code, stdout, stderr } = await cli.run(...args);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^keyshift: .*\. This needs a confirmation\. Fix: Add --yes/);
    expect(everything()).toEqual(before);
  });

  it.each(finals)('asks at a terminal, and a no changes nothing: %s %s', async (...args) => {
    const before = everything();
    const { code, questions, stderr } = await cli.runAnswering(false, ...args);
    expect(questions).toHaveLength(1);
    expect(questions[0]).toMatch(/\. \d+ connections? would change\. Go on\? \[y\/N\] $/);
    expect([code, stderr]).toEqual([1, 'Nothing was changed.\n']);
    expect(everything()).toEqual(before);
  });
});
