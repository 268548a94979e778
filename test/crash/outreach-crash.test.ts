import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/runtime/random.ts';
import { generateKeyringEntry } from '../../src/vault/keyring.ts';
import { root } from '../support/markdown.ts';
import { startSmtpSink } from '../support/smtp-sink.ts';

const customers = 1_500;

let folder: string;
let environment: Record<string, string>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keyshift-outreach-'));
  environment = {
    CLIENT_ID: 'app',
    CLIENT_SECRET: 'secret',
    KLAVIYO_API_URL: 'http://127.0.0.1:1',
    DATABASE_URL: `sqlite:${join(folder, 'keyshift.db')}`,
    KEYSHIFT_KEYS: generateKeyringEntry(systemRandom),
    SESSION_SECRET: 'session-secret-of-the-test-0123456789',
    KEYSHIFT_ADMIN_PASSWORD: 'correct horse battery',
    KEYSHIFT_SERVICE_TOKENS: 'shop:service-token-of-the-test-01',
  };
  const rows = Array.from(
    { length: customers },
    (_, i) => `c${i},pk_${i}x0123456789abcdef,Shop ${i},c${i}@shop.example,${i % 3}`,
  );
  const csv = ['customer_id,private_key,name,email,tier', ...rows].join('\n');
  await writeFile(join(folder, 'customers.csv'), csv);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function start(...args: string[]) {
  return spawn(process.execPath, [join(root, 'bin/keyshift.mjs'), ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

/** Runs a command to its end and answers what it printed as JSON. */
async function run(...args: string[]): Promise<Record<string, unknown>> {
  const child = start(...args, '--json');
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  await once(child, 'close');
  return JSON.parse(out) as Record<string, unknown>;
}

/** Kills the command with SIGKILL as soon as enough is done, unless it is through before. */
async function killWhen(isEnough: () => boolean, ...args: string[]): Promise<boolean> {
  const child = start(...args);
  child.stdout.resume();
  const closed = once(child, 'close');
  while (child.exitCode === null && !isEnough()) await delay(3);
  child.kill('SIGKILL');
  await closed;
  return child.signalCode === 'SIGKILL';
}

function query<Row>(sql: string): Row[] {
  const path = join(folder, 'keyshift.db');
  if (!existsSync(path)) return [];
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    return db.prepare(sql).all() as Row[];
  } catch {
    return []; // Its tables are not made yet.
  } finally {
    db.close();
  }
}

const countRows = () => query<{ n: number }>('select count(*) as n from connections')[0]?.n ?? 0;

describe('an import that is killed in the middle, again and again', () => {
  it('is run once more, and ends as if nothing had happened', async () => {
    const args = ['import', '--no-check', 'customers.csv'];
    let kills = 0;
    for (const share of [0.1, 0.4, 0.8]) {
      if (await killWhen(() => countRows() >= customers * share, ...args)) kills += 1;
    }
    expect(kills).toBeGreaterThan(0);
    const before = countRows();
    expect(await run(...args)).toMatchObject({
      ...{ rows: customers, unchanged: before, imported: customers - before, issues: [] },
    });
    expect(await run(...args)).toMatchObject({ unchanged: customers });
    const tables = ['connections', 'private_keys', 'connection_labels', 'audit_events'];
    for (const table of tables) {
      expect([table, query(`select count(*) as n from ${table}`)]).toEqual([
        table,
        [{ n: customers }],
      ]);
    }
  });
});

describe('an invitation of everybody by mail that is killed in the middle, again and again', () => {
  it('reaches each customer exactly once, or reports that nobody knows', async () => {
    await using sink = await startSmtpSink();
    environment['SMTP_URL'] = sink.url;
    environment['MAIL_FROM'] = 'Acme Apps <hello@acme.example>';
    await run('import', '--no-check', 'customers.csv');
    const db = new DatabaseSync(join(folder, 'keyshift.db'));
    db.exec("update connections set stage = 'checked', account_id = 'AAA111'");
    db.close();
    const invited = () => query<{ n: number }>('select count(*) as n from outbox')[0]?.n ?? 0;
    await killWhen(() => invited() > customers * 0.5, 'invite', '--mail');
    let kills = 0;
    for (const share of [0.05, 0.3, 0.6]) {
      const enough = () => sink.mails.length >= customers * share;
      if (await killWhen(enough, 'invite', '--mail')) kills += 1;
    }
    expect(kills).toBeGreaterThan(0);
    await killWhen(() => false, 'invite', '--mail');
    const { totals } = (await run('outbox')) as { totals: Record<string, number> };
    expect((totals['sent'] ?? 0) + (totals['uncertain'] ?? 0)).toBe(customers);
    expect(Object.keys(totals).toSorted()).toEqual(expect.arrayContaining(['sent']) as string[]);

    const taken = new Map<string, number>();
    for (const { to } of sink.mails) taken.set(to, (taken.get(to) ?? 0) + 1);
    expect([...taken].filter(([, times]) => times > 1)).toEqual([]);
    const messages = query<{ recipient: string; state: string }>(
      'select recipient, state from outbox',
    );
    for (const { recipient, state } of messages) {
      if (state === 'sent') expect(taken.has(recipient), recipient).toBe(true);
      else expect([recipient, state]).toEqual([recipient, 'uncertain']);
    }
    // At most what the five connections had under way at each kill.
    expect(totals['uncertain'] ?? 0).toBeLessThanOrEqual(5 * (kills + 1));
  });
});
