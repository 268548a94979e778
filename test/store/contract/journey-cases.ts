import assert from 'node:assert/strict';
import type { VerificationCheck } from '../../../src/model/verification.ts';
import type { Store } from '../../../src/store/store.ts';
import { rejectsWith, sampleConnection, t0, type ContractTest } from './contract-test.ts';

const acme = sampleConnection('acme');

const check = (
  kind: 'scopes' | 'account',
  fields: Partial<Omit<VerificationCheck, 'kind'>> = {},
): VerificationCheck => ({
  kind,
  verdict: 'passed',
  reason: undefined,
  detail: `${kind} was looked at`,
  atMs: t0,
  ...fields,
});

const insertBoth = async (store: Store) => {
  await store.connections.insert(acme);
  await store.connections.insert(sampleConnection('other'));
};

/** Promises of what the journey remembers of a connection. */
export const journeyCases = {
  async 'verifications: the checks of a connection are replaced as a whole'(store) {
    await insertBoth(store);
    const failed = check('scopes', { verdict: 'failed', reason: 'scope_missing' });
    const read = { ...failed, kind: 'read', scope: 'profiles:read' } as const;
    await store.verifications.replace('connection-other', [check('account')]);
    await store.verifications.replace(acme.id, [failed, read, check('account')]);
    assert.deepEqual(await store.verifications.list(acme.id), [check('account'), read, failed]);
    await store.verifications.replace(acme.id, [check('scopes', { atMs: t0 + 1 })]);
    assert.deepEqual(await store.verifications.list(acme.id), [check('scopes', { atMs: t0 + 1 })]);
    await store.verifications.replace(acme.id, []);
    assert.deepEqual(await store.verifications.list(acme.id), []);
    assert.deepEqual(await store.verifications.list('connection-other'), [check('account')]);
    await rejectsWith(
      store.verifications.replace('nobody', [check('account')]),
      'connection_not_found',
    );
  },

  async 'foreign consents: are listed newest first, and settled once'(store) {
    await insertBoth(store);
    const consent = (grantId: string, consentedAtMs: number) => ({
      grantId,
      connectionId: acme.id,
      accountId: 'BBB222',
      accountName: undefined,
      consentedAtMs,
    });
    await store.foreignConsents.insert(consent('g1', t0));
    await store.foreignConsents.insert(consent('g2', t0 + 1));
    await store.foreignConsents.settle('g1', t0 + 5);
    await store.foreignConsents.settle('g1', t0 + 9);
    assert.deepEqual(await store.foreignConsents.listByConnection(acme.id), [
      { ...consent('g2', t0 + 1), settledAtMs: undefined },
      { ...consent('g1', t0), settledAtMs: t0 + 5 },
    ]);
    assert.equal((await store.foreignConsents.listByAccount('BBB222')).length, 2);
    assert.deepEqual(await store.foreignConsents.listByAccount('AAA111'), []);
    assert.deepEqual(await store.foreignConsents.listByConnection('connection-other'), []);
  },

  async 'retirements: the last word counts'(store, openAnother) {
    await insertBoth(store);
    const other = await openAnother();
    const quiet = {
      connectionId: acme.id,
      quietAtMs: t0,
      proof: undefined,
      detail: undefined,
      provedAtMs: undefined,
      retiredAtMs: undefined,
    };
    assert.equal(await store.retirements.find(acme.id), undefined);
    await store.retirements.save(quiet);
    const proved = { ...quiet, proof: 'refused', detail: 'Klaviyo rejects the key' } as const;
    await other.retirements.save({ ...proved, provedAtMs: t0 + 1, retiredAtMs: t0 + 2 });
    assert.deepEqual(await store.retirements.find(acme.id), {
      ...proved,
      provedAtMs: t0 + 1,
      retiredAtMs: t0 + 2,
    });
  },

  async 'metric records: the latest snapshot before a time is found, and one comparison is kept'(
    store,
  ) {
    await insertBoth(store);
    const records = store.metricRecords;
    const snapshot = (id: string, takenAtMs: number) => ({
      id,
      connectionId: acme.id,
      takenAtMs,
      content: '{"metrics":[]}',
    });
    await records.saveSnapshot(snapshot('s1', t0));
    await records.saveSnapshot(snapshot('s2', t0 + 10));
    assert.deepEqual(await records.latestSnapshot(acme.id), snapshot('s2', t0 + 10));
    assert.deepEqual(await records.latestSnapshot(acme.id, t0 + 9), snapshot('s1', t0));
    assert.equal(await records.latestSnapshot(acme.id, t0 - 1), undefined);
    assert.equal(await records.latestSnapshot('connection-other'), undefined);
    const comparison = { connectionId: acme.id, comparedAtMs: t0, content: '{}' };
    await records.saveComparison({ ...comparison, verdict: 'branded' });
    await records.saveComparison({ ...comparison, verdict: 'duplicated', comparedAtMs: t0 + 1 });
    assert.deepEqual(await records.comparison(acme.id), {
      ...comparison,
      verdict: 'duplicated',
      comparedAtMs: t0 + 1,
    });
  },
} as const satisfies Record<string, ContractTest>;
