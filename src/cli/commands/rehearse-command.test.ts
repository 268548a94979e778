import { chmod, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCliBench, type CliBench } from '../../../test/support/cli-fixture.ts';
import { readDatabase } from '../../../test/support/database-bytes.ts';
import { createSecretLedger } from '../../../test/support/secret-ledger.ts';
import { outcomes, type RehearsalReport } from '../rehearse/rehearsal-report.ts';

let cli: CliBench;
beforeEach(async () => void (cli = await openCliBench()));
afterEach(async () => {
  expect(cli.printed()).not.toMatch(/pk_[a-zA-Z0-9]{6}|\/connect\//);
  await cli[Symbol.asyncDispose]();
});

const rehearse = async (...options: string[]) => {
  const result = await cli.run('rehearse', '--json', '--customers', '60', ...options);
  return { ...result, report: result.json[0] as RehearsalReport };
};
/** What the stand-ins of a rehearsal keep in clear, and Keyshift must not. */
const secretsOfTheWorld = {
  'private key': /pk_\w{20,}/g,
  'access token': /eyJ[\w-]{8,}\.[\w-]+\.[\w-]+/g,
  'refresh token': /(?<="refreshTokens":\[\{"token":")[\w.-]{20,}/g,
  link: /(?<=\/connect\/)[\w-]{43}/g,
  'vault key': /(?<="keys":"\w+:)[\w+/=]{40,}/g,
  'client secret': /(?<="clientSecret":")[\w-]{40,}/g,
};
const sum = (counts: Readonly<Record<string, number>>) =>
  Object.values(counts).reduce((total, count) => total + count, 0);

describe('rehearse', () => {
  it('accounts for every customer, in every outcome and by every kind of person', async () => {
    const { code, report } = await rehearse();
    expect(code).toBe(0);
    expect(sum(report.outcomes)).toBe(60);
    expect(report).toMatchObject({ customers: 60, seed: 7, audit_intact: true, adds_up: true });
    const settled = outcomes.filter((outcome) => !['under_way', 'stuck'].includes(outcome));
    for (const outcome of settled)
      expect([outcome, report.outcomes[outcome]]).not.toEqual([outcome, 0]);
    expect(report.outcomes).not.toHaveProperty('stuck');
    expect(
      sum(Object.fromEntries(Object.values(report.people).map((each, at) => [at, sum(each)]))),
    ).toBe(60);
    expect(report.people.key_dead).toEqual({ key_dead: 2 });
    expect(report.people.mail_scanner).toEqual({ moved_despite_mail_scanner: 6 });
    expect(report.funnel.imported).toBe(60);
    expect(report.waves.map(({ customers }) => customers)).toEqual([6, 18, 36]);
  });

  it('gives the same report for the same seed, and another for another', async () => {
    const [first, again] = [await rehearse(), await rehearse()];
    expect(again.stdout).toBe(first.stdout);
    expect((await rehearse('--seed', '8')).stdout).not.toBe(first.stdout);
  });

  it('shows what settings do: without reminders the slow never come', async () => {
    const { report } = await rehearse('--reminders', '0');
    expect(report.outcomes.moved_after_reminder).toBe(0);
    expect(report.people.slow).toEqual({ no_answer: 9 });
    const short = await rehearse('--days', '6', '--waves', '50,50', '--wave-days', '3');
    expect(short.report.outcomes.under_way).toBeGreaterThan(0);
    expect(sum(short.report.outcomes)).toBe(60);
  });

  it('goes on in its folder, and refuses the folder for other settings', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'keyshift-rehearsal-test-'));
    try {
      const whole = await rehearse();
      const interrupted = await cli.runInterrupted(
        300,
        'rehearse',
        '--json',
        '--customers',
        '60',
        '--state',
        folder,
      );
      expect([0, 130]).toContain(interrupted.code);
      expect((await rehearse('--state', folder)).stdout).toBe(whole.stdout);
      const other = await cli.run('rehearse', '--customers', '61', '--state', folder);
      expect(other.code).toBe(1);
      expect(other.stderr).toContain('different settings');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('shows no secret of its world, and keeps what it keeps for its owner', async () => {
    // A folder that is there already may be open to others.
    const folder = await mkdtemp(join(tmpdir(), 'keyshift-rehearsal-test-'));
    await chmod(folder, 0o755);
    try {
      const { stdout, stderr } = await cli.run(
        ...['rehearse', '--customers', '20', '--state', folder],
      );
      const world = await readFile(join(folder, 'world.db'), 'latin1');
      const ledger = createSecretLedger();
      for (const [kind, pattern] of Object.entries(secretsOfTheWorld)) {
        for (const [found] of world.matchAll(pattern)) ledger.add(kind, found);
      }
      expect([...ledger.kinds]).toEqual(Object.keys(secretsOfTheWorld));
      const database = await readDatabase(`sqlite:${join(folder, 'keyshift.db')}`);
      const said = { name: 'output', content: stdout + stderr };
      expect(ledger.findIn([said, ...database])).toEqual([]);
      for (const file of await readdir(folder)) {
        const { mode } = await stat(join(folder, file));
        expect([file, (mode & 0o777).toString(8)]).toEqual([file, '600']);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it.each([
    ['--customers', '5', 'from 18 to 50000'],
    ['--waves', '10,20', 'add up to 100'],
    ['--reminder-days', '0', 'from 1 to 365'],
    ['--days', 'many', 'whole number'],
  ])('refuses %s %s before it begins', async (flag, value, message) => {
    const { code, stderr } = await cli.run('rehearse', flag, value);
    expect([code, stderr]).toEqual([1, expect.stringContaining(message) as string]);
  });

  it('prints sums that a reader can check', async () => {
    const { code, stdout } = await cli.run('rehearse', '--customers', '20', '--days', '30');
    expect(code).toBe(0);
    expect(stdout).toMatch(/sum +20 +of 20 customers/);
    expect(stdout).toContain('Every customer is accounted for.');
  });
});
