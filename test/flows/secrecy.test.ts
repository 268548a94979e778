import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { KeyshiftError } from '../../src/errors/keyshift-error.ts';
import { systemRandom, type Random } from '../../src/runtime/random.ts';
import { createCollectingLogger } from '../support/collecting-logger.ts';
import { readDatabase } from '../support/database-bytes.ts';
import { eachDatabase } from '../support/each-database.ts';
import { startFlow, type FlowFixture } from '../support/flow-fixture.ts';
import { connectionOf, importAndCheck, invite, keyOf } from '../support/migration-steps.ts';
import { dumpTables } from '../support/raw-database.ts';
import type { Made } from '../support/record-made.ts';
import { playOutreachJourney, startTalkativeReceivers } from '../support/outreach-journey.ts';
import { createSecretLedger, type Place, type SecretLedger } from '../support/secret-ledger.ts';
import { errorPlaces, linePlaces } from '../support/secret-places.ts';
import { watchAnswers } from '../support/watch-answers.ts';
import { playWholeJourney } from '../support/whole-journey.ts';

const made = vi.hoisted((): Made => ({ secrets: [], errors: [] }));

vi.mock('../../src/runtime/secret.ts', async (importOriginal) =>
  (await import('../support/record-made.ts')).recordSecrets(await importOriginal(), made),
);
vi.mock('../../src/errors/keyshift-error.ts', async (importOriginal) =>
  (await import('../support/record-made.ts')).recordErrors(await importOriginal(), made),
);

beforeEach(() => {
  made.secrets = [];
  made.errors = [];
});

/** Randomness that notes what is drawn as a token: state, nonce and verifier among others. */
function recordRandom(ledger: SecretLedger): Random {
  return {
    ...systemRandom,
    bytes: (size) => {
      const bytes = systemRandom.bytes(size);
      // Nonces of the vault are shorter, and no secret.
      if (size >= 32) ledger.add('random token', bytes.toString('base64url'));
      return bytes;
    },
  };
}

function addOperatorSecrets(ledger: SecretLedger, { secrets, seed }: FlowFixture): void {
  ledger.add('vault key', secrets.keys.slice(secrets.keys.indexOf(':') + 1));
  ledger.add('client credentials', `flow-app:${secrets.clientSecret}`);
  for (const { keys } of seed.accounts) for (const { key } of keys) ledger.add('private key', key);
}

const everyKind = [
  'access_token',
  'admin_password',
  'authorization code',
  'client_secret',
  'code_verifier',
  'console session',
  'invitation_token',
  'private key',
  'random token',
  'refresh_token',
  'service_token',
  'session_secret',
  'vault key',
  'webhook_secret',
  'webhook_url',
];

describe.each(eachDatabase)('no secret of a whole journey ($database)', ({ create }) => {
  it('stands in the database, a log line, an error, or an answer but the token JSON', async () => {
    await using database = await create();
    const ledger = createSecretLedger();
    const { logger, lines } = createCollectingLogger();
    const shown: string[] = [];
    const files: Place[] = [];
    let answers: ReturnType<typeof watchAnswers>['answers'];
    {
      const hookPath = randomBytes(24).toString('base64url');
      ledger.add('webhook_url', hookPath);
      await using receivers = await startTalkativeReceivers(hookPath);
      await using fixture = await startFlow({
        databaseUrl: database.url,
        customers: 7,
        environment: receivers.environment,
        logger,
        random: recordRandom(ledger),
        sandbox: { rotation: 'rotate' },
      });
      addOperatorSecrets(ledger, fixture);
      using watch = watchAnswers(fixture.url);
      const observer = { ledger, show: (text: string) => shown.push(text) };
      await playWholeJourney(fixture, observer);
      await playOutreachJourney(fixture, observer, receivers);
      await fixture.keyshift.sweeper.sweep();
      files.push(...(await readDatabase(database.url)));
      ({ answers } = watch);
    }
    files.push(...(await readDatabase(database.url)));
    // A caller's mistake may be shorter than what can be searched for.
    for (const [kind, value] of made.secrets) if (value.length >= 12) ledger.add(kind, value);

    // The net is whole: every kind of secret was seen, and every place was looked at.
    expect([...ledger.kinds]).toEqual(expect.arrayContaining(everyKind));
    expect(ledger.size).toBeGreaterThan(60);
    expect(lines.raw.length).toBeGreaterThan(15);
    expect(made.errors.length).toBeGreaterThan(15);
    expect(answers.length).toBeGreaterThan(50);
    expect(files.length).toBeGreaterThan(3);

    const empty = [...(await dumpTables(database.url))].filter(([, rows]) => rows.length === 0);
    expect(empty.map(([table]) => table)).toEqual([]);

    expect(ledger.findIn(files)).toEqual([]);
    expect(ledger.findIn(linePlaces('line', lines.scrubbed))).toEqual([]);
    expect(ledger.findIn(linePlaces('line before the scrubber', lines.raw))).toEqual([]);
    expect(ledger.findIn(shown.map((content) => ({ name: 'shown', content })))).toEqual([]);
    expect(ledger.findIn(errorPlaces(made.errors))).toEqual([]);
    for (const { place, meantForCaller } of answers) {
      expect(ledger.findIn([place], meantForCaller)).toEqual([]);
    }
    for (const { name, content } of files) {
      const text = Buffer.from(content).toString('latin1');
      expect([name, /\bpk_\w{6,}|\beyJ\w{8,}/.exec(text)?.[0]]).toEqual([name, undefined]);
    }
  });

  it('would be passed over: a canary is found in every one of these places', async () => {
    await using database = await create();
    const isSqlite = database.url.startsWith('sqlite:');
    const canary = randomBytes(24).toString('base64url');
    const ledger = createSecretLedger();
    ledger.add('canary', canary);
    const { logger, lines } = createCollectingLogger();
    const findIn = (places: Place[]) => ledger.findIn(places).map(({ place }) => place);
    {
      await using fixture = await startFlow({ databaseUrl: database.url, logger });
      await importAndCheck(fixture, [{ customerId: 'acme', key: keyOf(fixture, 0) }]);
      const connection = await connectionOf(fixture, 'acme');
      await fixture.keyshift.store.connections.update(connection, { name: canary }, 1);

      using watch = watchAnswers(fixture.url);
      await fixture.newBrowser().get(await invite(fixture, 'acme'));
      expect(findIn(watch.answers.map(({ place }) => place))).toHaveLength(1);

      const open = findIn(await readDatabase(database.url));
      expect(open).toContain(isSqlite ? 'file-wal' : 'table keyshift.connections');
      logger.info({ customer: canary }, 'planted');
      expect(findIn(linePlaces('line', lines.raw))).toHaveLength(1);
      expect(findIn(linePlaces('line', lines.scrubbed))).toHaveLength(1);
      const cause = new Error('outer', { cause: { inner: { canary } } });
      expect(new KeyshiftError('internal', 'planted', { cause }).message).toBe('planted');
      expect(findIn(errorPlaces(made.errors))).toHaveLength(1);
    }
    const closed = findIn(await readDatabase(database.url));
    expect(closed).toContain(isSqlite ? 'file' : 'data file of connections');
  });
});
