import { Command } from 'commander';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { addDemoCommand } from '../../src/cli/commands/demo-command.ts';
import { createTerminal } from '../../src/cli/terminal.ts';
import { createSampleSeed } from '../../src/sandbox.ts';
import { createPostgresDatabase } from '../support/databases.ts';
import { executeRaw } from '../support/raw-database.ts';
import type { Made } from '../support/record-made.ts';
import { createSecretLedger, type SecretLedger } from '../support/secret-ledger.ts';

const made = vi.hoisted((): Made => ({ secrets: [], errors: [] }));

vi.mock('../../src/runtime/secret.ts', async (importOriginal) =>
  (await import('../support/record-made.ts')).recordSecrets(await importOriginal(), made),
);

beforeEach(() => {
  made.secrets = [];
});

/** A stream that keeps what is written, and says that it is a terminal. */
function collectingStream(written: string[]): NodeJS.WriteStream {
  const write = (text: string) => written.push(text) > 0;
  const cursorTo = () => true;
  const listeners = () => [];
  const stream = { isTTY: true, columns: 100, write, listeners, on: () => stream, cursorTo };
  return Object.assign(stream, {
    clearLine: () => true,
    listenerCount: () => 0,
    moveCursor: () => true,
    once: () => stream,
    removeListener: () => stream,
  }) as unknown as NodeJS.WriteStream;
}

/** Runs `keyshift demo` in this process; answers all that it wrote to its two streams. */
async function runDemoCommand(databaseUrl: string, args: readonly string[] = []) {
  vi.stubEnv('DATABASE_URL', databaseUrl);
  const answers: string[] = [];
  const notes: string[] = [];
  const terminal = createTerminal({
    stdout: collectingStream(answers),
    stderr: collectingStream(notes),
  });
  let exitCode: number | undefined;
  const program = new Command().exitOverride();
  addDemoCommand(program, {
    terminal,
    run:
      (work) =>
      async (...parameters) => {
        exitCode = await work(...parameters);
      },
  });
  await program.parseAsync(['demo', ...args], { from: 'user' });
  vi.unstubAllEnvs();
  return { exitCode, answer: answers.join(''), notes: notes.join('') };
}

function ledgerOfDemo(): SecretLedger {
  const ledger = createSecretLedger();
  for (const [kind, value] of made.secrets) ledger.add(kind, value);
  for (const { keys } of createSampleSeed({ customers: 50, seed: 7 }).accounts) {
    for (const { key } of keys) ledger.add('private key', key);
  }
  return ledger;
}

/** The figures of the report, without what differs by nature: the database's name and the time. */
function reportOf(answer: string): string {
  return answer.replace(/\(sandbox, \w+\)/, '(sandbox)').replace(/took [\d.]+ s/, 'took');
}

const expected = {
  customers: 50,
  steps: { imported: 50, checked: 49, invited: 49, cutOver: 47, retired: 47 },
  outcomes: { moved_to_oauth: 47, declined: 1, wrong_account: 1, key_invalid: 1, unfinished: 0 },
  calls: { oauth: 47, key: 0, failed: 0 },
};

describe('keyshift demo', { timeout: 60_000 }, () => {
  it('tells the same story on SQLite and on PostgreSQL, and nothing of it is a secret', async () => {
    await using postgres = await createPostgresDatabase();
    const reports: string[] = [];
    for (const url of ['sqlite:./never-touched.db', postgres.url]) {
      made.secrets = [];
      const { exitCode, answer, notes } = await runDemoCommand(url);
      expect(exitCode).toBe(0);
      expect(answer).toMatch(/sum, of 50 customers +50\n/);
      expect(notes).toContain('customers consenting');
      const ledger = ledgerOfDemo();
      expect([...ledger.kinds]).toEqual(
        expect.arrayContaining(['access_token', 'refresh_token', 'invitation_token']),
      );
      expect(ledger.size).toBeGreaterThan(200);
      const places = [
        { name: 'standard output', content: answer },
        { name: 'standard error', content: notes },
      ];
      expect(ledger.findIn(places)).toEqual([]);
      expect(answer + notes).not.toMatch(/pk_\w|eyJ\w|\/connect\//);
      reports.push(reportOf(answer));
    }
    expect(reports[0]).toBe(reports[1]);
    const left = await executeRaw(
      postgres.url,
      `select nspname from pg_namespace where nspname like 'keyshift_demo%'`,
    );
    expect(left).toEqual([]);
  });

  it('reports outcomes that add up to the customers, as JSON', async () => {
    const { exitCode, answer } = await runDemoCommand('', ['--json']);
    expect(exitCode).toBe(0);
    const report = JSON.parse(answer) as typeof expected;
    expect(report).toEqual(expected);
    const sum = Object.values(report.outcomes).reduce((total, count) => total + count, 0);
    expect(sum).toBe(50);
  });

  it('fails clearly when the PostgreSQL of DATABASE_URL does not answer, without its password', async () => {
    const run = runDemoCommand('postgres://keyshift:hunter2-hunter2@127.0.0.1:1/none');
    const error = await run.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: 'database_unavailable' });
    expect(JSON.stringify(error) + String(error)).not.toContain('hunter2');
  });
});
