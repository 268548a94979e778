import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { readCustomers } from '../../src/migration/import/customer-file.ts';
import { importCustomers } from '../../src/migration/import/import-customers.ts';
import { approveConsent } from '../../src/sandbox.ts';
import { post } from '../support/answer.ts';
import { createCollectingLogger } from '../support/collecting-logger.ts';
import { readDatabase } from '../support/database-bytes.ts';
import { eachDatabase } from '../support/each-database.ts';
import { startFlow } from '../support/flow-fixture.ts';
import { accountOf, keyOf, migrateToLive } from '../support/migration-steps.ts';
import type { Made } from '../support/record-made.ts';
import { createSecretLedger } from '../support/secret-ledger.ts';
import { errorPlaces, linePlaces } from '../support/secret-places.ts';
import { watchAnswers } from '../support/watch-answers.ts';

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

describe.each(eachDatabase)('a private key in the wrong column ($database)', ({ create }) => {
  it('is neither stored nor shown in clear', async () => {
    await using database = await create();
    await using fixture = await startFlow({ databaseUrl: database.url });
    const ledger = createSecretLedger();
    const { store, machine, clock, random } = fixture.keyshift;
    const pasted = Array.from({ length: 4 }, () => `pk_${randomBytes(17).toString('hex')}`);
    for (const key of pasted) ledger.add('private key', key);
    const csv = [
      'customer_id,private_key,name,email',
      `acme,${keyOf(fixture, 0)},${pasted[0]},a@acme.example`,
      `beta,${keyOf(fixture, 1)},Beta (${pasted[1]}),b@beta.example`,
      `gamma,${keyOf(fixture, 2)},Gamma,${pasted[2]}@key.example`,
      `delta ${pasted[3]},${keyOf(fixture, 3)},Delta,d@delta.example`,
    ].join('\n');
    const batch = { store, machine, clock, random, actor: 'cli' };
    const report = await importCustomers(readCustomers(csv), batch);
    expect(report.rows).toBe(4);
    expect(ledger.findIn(await readDatabase(database.url))).toEqual([]);
    expect(ledger.findIn([{ name: 'report', content: JSON.stringify(report) }])).toEqual([]);
  });
});

describe('a secret that Klaviyo repeats in its error text', () => {
  const match = { path: '/oauth/token' };
  const repeat = (secret: string) => ({
    error: 'invalid_request',
    error_description: `The value ${secret} is not valid.`,
  });

  it('stands in no log line and no error of a refresh', async () => {
    const ledger = createSecretLedger();
    const { logger, lines } = createCollectingLogger();
    await using fixture = await startFlow({ logger });
    await migrateToLive(fixture, 'acme', 0);
    const key = { clientId: 'flow-app', accountId: accountOf(fixture, 0) };
    const refreshToken = (await fixture.keyshift.store.grants.find(key))!.refreshToken.reveal();
    ledger.add('refresh_token', refreshToken);
    fixture.sandbox.addFault({ kind: 'status', status: 400, body: repeat(refreshToken), match });
    const answer = await post(`${fixture.url}/auth/refresh`, { refresh_token: refreshToken });
    expect(answer.status).toBe(502);
    expect(lines.scrubbed.join('')).toContain('upstream_unreadable');
    expect(ledger.findIn(linePlaces('line', lines.scrubbed))).toEqual([]);
    expect(ledger.findIn(errorPlaces(made.errors))).toEqual([]);
  });

  it('stands in no log line, no error and no page of an exchange', async () => {
    const ledger = createSecretLedger();
    const { logger, lines } = createCollectingLogger();
    await using fixture = await startFlow({ logger });
    const browser = fixture.newBrowser();
    const authorizeUrl = await browser.start(`${fixture.url}/auth/start`);
    const [, verifier] = made.secrets.findLast(([kind]) => kind === 'code_verifier')!;
    ledger.add('code_verifier', verifier);
    fixture.sandbox.addFault({ kind: 'status', status: 400, body: repeat(verifier), match });
    using watch = watchAnswers(fixture.url);
    const answer = await browser.get(await approveConsent(authorizeUrl));
    expect(answer.status).toBe(400);
    expect(lines.scrubbed.join('')).toContain('exchange_failed');
    expect(ledger.findIn(watch.answers.map(({ place }) => place))).toEqual([]);
    expect(ledger.findIn(linePlaces('line', lines.scrubbed))).toEqual([]);
    expect(ledger.findIn(errorPlaces(made.errors))).toEqual([]);
  });
});
