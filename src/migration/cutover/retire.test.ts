import { describe, expect, it } from 'vitest';
import { createFakeOAuthClient } from '../../../test/support/fake-oauth-client.ts';
import { benchClientId, openTestBench } from '../../../test/support/workbench-fixture.ts';
import type { AccountLookup } from '../../calls/account-lookup.ts';
import { createCredentials } from '../../calls/credentials.ts';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import { createLogger } from '../../runtime/logger.ts';
import { stages } from '../../model/stages.ts';
import { at, byOAuth, setAside, type Connection } from '../../model/connection.ts';
import { trafficBucketOf } from '../../model/traffic.ts';
import { createTokenEngine } from '../../tokens/token-engine.ts';
import type { KeyProofs } from './key-proof.ts';
import { createProveGrant } from './prove-grant.ts';
import { createRetire, type ProofDemand } from './retire.ts';
import { flagLostGrant } from '../consent/lost-grant.ts';

const dayMs = 86_400_000;
const key = 'pk_0123456789abcdef';
const found: AccountLookup = {
  kind: 'found',
  account: { accountId: 'AAA111', name: 'Alpha', testAccount: false },
};
const withoutProof = { kind: 'none', reason: 'the account is closed' } as const;

/** A live connection on whose key and grant Klaviyo says what the test wants. */
async function open() {
  const bench = await openTestBench();
  const klaviyo = { key: found, grant: found };
  const logger = createLogger({ level: 'silent' });
  const onLost = flagLostGrant(bench);
  const oauth = createFakeOAuthClient();
  const tokens = createTokenEngine({ ...bench, oauth, logger, onLost });
  const credentials = createCredentials({ ...bench, tokens, clientId: benchClientId });
  const proveGrant = createProveGrant(async (accountId) => {
    await credentials.forAccount(accountId);
    return klaviyo.grant;
  });
  const disabled: string[] = [];
  const proofs: KeyProofs = {
    async probe() {
      const { kind } = klaviyo.key;
      return { dead: kind === 'rejected', proof: 'refused', detail: `the key is ${kind}` };
    },
    disable(_secret, accountId) {
      disabled.push(accountId);
      return Promise.resolve({ dead: true, proof: 'disabled', detail: 'disabled' });
    },
  };
  const service = createRetire({ ...bench, proveGrant, proofs });
  await bench.grant('AAA111', { expiresAtMs: bench.clock.now() + 400 * dayMs });
  const liveSinceMs = bench.clock.now();
  const fields = { stage: 'live', route: 'oauth', key, liveSinceMs, accountId: 'AAA111' } as const;
  const connection = await bench.add('acme', fields);
  const policy = { quietMs: 7 * dayMs, minSuccessPercent: 99 };
  return {
    ...bench,
    ...{ klaviyo, service, connection, disabled, policy },
    retire: async (demand: ProofDemand = { kind: 'probe' }, days = 7) =>
      service.retire(await bench.read('acme'), {
        policy: { ...policy, quietMs: days * dayMs },
        ...{ demand, actor: 'cli' },
      }),
    isKeyPresent: async () => (await bench.store.privateKeys.info(connection.id))?.present,
    count: (outcome: '2xx' | '4xx' | 'refused', calls: number) =>
      bench.store.traffic.add([
        {
          ...{ connectionId: connection.id, route: 'oauth', operation: 'get_profiles', outcome },
          ...{ calls, totalMs: 1, lastError: undefined, lastAtMs: bench.clock.now() },
          bucketStartMs: trafficBucketOf(bench.clock.now()),
        },
      ]),
  };
}

describe('a retirement', () => {
  it.each(stages.filter((stage) => stage !== 'live' && stage !== 'quiet'))(
    'is refused at stage %s, and the key is kept',
    async (stage) => {
      await using bench = await open();
      const change = {
        at: stage === 'attention' ? setAside(bench.connection, 'grant_lost') : at(stage),
      };
      await bench.store.connections.update(bench.connection, change, bench.clock.now());
      await bench.clock.advance(30 * dayMs);
      await expect(bench.retire(withoutProof)).rejects.toMatchObject({ code: 'stage_conflict' });
      expect(await bench.isKeyPresent()).toBe(true);
    },
  );

  it('waits until the quiet days are over, and says how many have passed', async () => {
    await using bench = await open();
    await bench.clock.advance(3.5 * dayMs);
    await expect(bench.retire(withoutProof)).rejects.toThrow('3.5 of 7.0 days');
    await bench.clock.advance(3.5 * dayMs - 1);
    await expect(bench.retire(withoutProof)).rejects.toMatchObject({ code: 'stage_conflict' });
    expect(await bench.isKeyPresent()).toBe(true);
    await bench.clock.advance(1);
    await expect(bench.retire(withoutProof)).resolves.toMatchObject({ outcome: 'retired' });
  });

  it('counts the days anew after every use of the key, also of a quiet one', async () => {
    await using bench = await open();
    await bench.store.privateKeys.markUsed(bench.connection.id, bench.clock.now() - dayMs);
    await bench.clock.advance(7 * dayMs);
    expect(await bench.retire()).toMatchObject({ outcome: 'waiting' });
    expect(await bench.read('acme')).toMatchObject({ stage: 'quiet' });
    await bench.clock.advance(1);
    await bench.store.privateKeys.markUsed(bench.connection.id, bench.clock.now());
    await expect(bench.retire(withoutProof)).rejects.toThrow('0.0 of 7.0 days');
    expect(await bench.read('acme')).toMatchObject({ stage: 'live' });
    await bench.clock.advance(7 * dayMs);
    await expect(bench.retire(withoutProof)).resolves.toMatchObject({ outcome: 'retired' });
  });

  it('asks for calls by OAuth that succeed, and does not count what the application asked wrongly', async () => {
    await using bench = await open();
    await bench.clock.advance(8 * dayMs);
    await bench.count('2xx', 90);
    await bench.count('4xx', 8);
    await bench.count('refused', 2);
    await expect(bench.retire(withoutProof)).rejects.toThrow('98.00 % of 100 calls');
    await bench.count('2xx', 100);
    await expect(bench.retire(withoutProof)).resolves.toMatchObject({ outcome: 'retired' });
  });

  it('is refused while the switch sends traffic by key, or another customer needs the key', async () => {
    await using bench = await open();
    await bench.clock.advance(8 * dayMs);
    await bench.store.switches.set('route', 'key', bench.clock.now(), 'cli');
    await expect(bench.retire(withoutProof)).rejects.toThrow(
      'the kill switch sends all traffic back to the key',
    );
    await bench.store.switches.set('route', undefined, bench.clock.now(), 'cli');
    const branch = await bench.add('branch', { stage: 'verified', key, accountId: 'AAA111' });
    await expect(bench.retire(withoutProof)).rejects.toThrow('still serves branch');
    const nowMs = bench.clock.now();
    await bench.store.connections.update(branch, { way: byOAuth(branch, nowMs) }, nowMs);
    await expect(bench.retire(withoutProof)).resolves.toMatchObject({ outcome: 'retired' });
  });
});

describe('the proof before a key is destroyed', () => {
  it('is Klaviyo’s 401: a key that still works leaves the connection quiet and reversible', async () => {
    await using bench = await open();
    await bench.clock.advance(7 * dayMs);
    expect(await bench.retire()).toMatchObject({ outcome: 'waiting', detail: 'the key is found' });
    expect(await bench.read('acme')).toMatchObject({ stage: 'quiet', route: 'oauth' });
    expect(await bench.isKeyPresent()).toBe(true);

    bench.klaviyo.key = { kind: 'rejected' };
    expect(await bench.retire()).toMatchObject({ outcome: 'retired' });
    expect(await bench.isKeyPresent()).toBe(false);
    expect(await bench.store.privateKeys.open(bench.connection.id)).toBeUndefined();
    expect(await bench.read('acme')).toMatchObject({ stage: 'retired', route: 'oauth' });
    expect(await bench.store.retirements.find(bench.connection.id)).toEqual({
      ...{ connectionId: bench.connection.id, proof: 'refused', detail: 'the key is rejected' },
      ...{ quietAtMs: bench.clock.now(), provedAtMs: bench.clock.now() },
      retiredAtMs: bench.clock.now(),
    });
    expect(await bench.auditOf('acme')).toEqual([
      'live → quiet, cli',
      'quiet → retired, cli: private key destroyed: the key is rejected',
    ]);
    await expect(bench.retire()).rejects.toMatchObject({ code: 'stage_conflict' });
  });

  it('is worth nothing when the grant does not answer: an outage refuses everything', async () => {
    await using bench = await open();
    await bench.clock.advance(7 * dayMs);
    bench.klaviyo.key = { kind: 'rejected' };
    bench.klaviyo.grant = { kind: 'forbidden', missingScopes: [] };
    await expect(bench.retire()).rejects.toMatchObject({ code: 'account_unverified' });
    expect(await bench.isKeyPresent()).toBe(true);
    expect(await bench.read('acme')).toMatchObject({ stage: 'quiet' });
  });

  it('may be that the key is disabled, or a reason, which the audit log keeps', async () => {
    await using bench = await open();
    await bench.clock.advance(7 * dayMs);
    await bench.retire({ kind: 'disable' });
    expect(bench.disabled).toEqual(['AAA111']);
    expect((await bench.store.retirements.find(bench.connection.id))?.proof).toBe('disabled');

    await using other = await open();
    await other.clock.advance(7 * dayMs);
    await other.retire(withoutProof);
    expect((await other.store.retirements.find(other.connection.id))?.proof).toBe('none');
    expect((await other.auditOf('acme')).at(-1)).toContain('without proof: the account is closed');
  });

  it('is not needed where no key is stored', async () => {
    await using bench = await open();
    await bench.store.privateKeys.destroy(bench.connection.id, bench.clock.now());
    await bench.clock.advance(7 * dayMs);
    expect(await bench.retire()).toMatchObject({ outcome: 'retired' });
  });

  it('does not stand against a rollback or a use of the key in the meantime', async () => {
    await using bench = await open();
    await bench.clock.advance(7 * dayMs);
    const stale: Connection = await bench.read('acme');
    await bench.machine.move(bench.store, stale, 'verified', { actor: 'other' });
    const request = { policy: bench.policy, demand: withoutProof, actor: 'cli' };
    await expect(bench.service.retire(stale, request)).rejects.toMatchObject({
      code: 'stage_conflict',
    });
    expect(await bench.isKeyPresent()).toBe(true);
  });
});

describe('the checklist', () => {
  it('says for each point whether it is done, and changes nothing', async () => {
    await using bench = await open();
    const before = await bench.read('acme');
    const points = async () => {
      const { checks, ready } = await bench.service.review(before, bench.policy);
      return { ready, open: checks.filter(({ done }) => !done).map(({ name }) => name) };
    };
    expect(await points()).toEqual({ ready: false, open: ['quiet days', 'key dead'] });
    await bench.clock.advance(8 * dayMs);
    bench.klaviyo.key = { kind: 'rejected' };
    expect(await points()).toEqual({ ready: true, open: [] });
    bench.klaviyo.grant = { kind: 'forbidden', missingScopes: [] };
    expect(await points()).toEqual({ ready: false, open: ['grant alive'] });
    expect(await bench.read('acme')).toEqual(before);
  });

  it('takes no answer of Klaviyo for an answer', async () => {
    await using bench = await open();
    await bench.clock.advance(8 * dayMs);
    Object.defineProperty(bench.klaviyo, 'key', {
      get: () => {
        throw new KeyshiftError('upstream_timeout', 'too late');
      },
    });
    const { checks } = await bench.service.review(await bench.read('acme'), bench.policy);
    expect(checks.at(-1)).toEqual({ name: 'key dead', done: false, detail: 'too late' });
  });
});
