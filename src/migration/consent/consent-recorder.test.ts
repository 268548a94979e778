import { describe, expect, it } from 'vitest';
import { loseGrant } from '../../../test/store/contract/contract-test.ts';
import {
  benchClientId,
  openTestBench,
  tokenPair,
} from '../../../test/support/workbench-fixture.ts';
import { Secret } from '../../runtime/secret.ts';
import type { Authorization } from '../../model/authorization.ts';
import type { Store } from '../../store/store.ts';
import { createConsentRecorder } from './consent-recorder.ts';
import { flagLostGrant } from './lost-grant.ts';
import { settleVerified } from './verify.ts';

const alpha = { accountId: 'AAA111', name: 'Alpha', testAccount: false };
const beta = { accountId: 'BBB222', name: undefined, testAccount: false };
const key = 'pk_0123456789abcdef';

async function open() {
  const bench = await openTestBench();
  const options = { ...bench, clientId: benchClientId };
  const recorder = createConsentRecorder(options);
  const attempt = (fields: Partial<Authorization> = {}): Authorization => ({
    stateHash: 'state',
    codeVerifier: new Secret('code_verifier', 'verifier'),
    redirectUri: 'http://localhost:5000/auth/callback',
    scope: 'accounts:read profiles:read',
    invitationId: undefined,
    customerId: undefined,
    createdAtMs: bench.clock.now(),
    expiresAtMs: bench.clock.now() + 600_000,
    consumedAtMs: bench.clock.now(),
    result: undefined,
    ...fields,
  });
  const pair = (name: string) => tokenPair(name, bench.clock.now());
  const grantOf = ({ accountId }: { accountId: string }) =>
    bench.store.grants.find({ clientId: benchClientId, accountId });
  const invite = async (customerId: string) =>
    (await bench.invitations.issue(await bench.read(customerId), 86_400_000, 'cli')).invitation;
  const settle = async (customerId: string) =>
    settleVerified(bench.store, await bench.read(customerId), { ...bench, actor: 'system' });
  return { ...bench, recorder, options, attempt, pair, grantOf, invite, settle };
}

describe('a consent that cannot be recorded whole', () => {
  it('is not recorded at all', async () => {
    await using bench = await open();
    await bench.add('acme', { stage: 'checked', accountId: 'AAA111', key });
    await bench.add('second', { stage: 'checked', accountId: 'AAA111', key });
    const failing: Store = {
      ...bench.store,
      transaction: (work) =>
        bench.store.transaction((tx) =>
          work({
            ...tx,
            audit: {
              ...tx.audit,
              append: async (event) => {
                if (event.connectionId === 'connection-second') throw new Error('the disk is full');
                await tx.audit.append(event);
              },
            },
          }),
        ),
    };
    const recorder = createConsentRecorder({ ...bench.options, store: failing });
    await expect(
      recorder.record(bench.attempt({ customerId: 'acme' }), alpha, bench.pair('one'), []),
    ).rejects.toThrow('the disk is full');
    expect(await bench.grantOf(alpha)).toBeUndefined();
    expect(await bench.read('acme')).toMatchObject({ stage: 'checked' });
    expect(await bench.auditOf('acme')).toEqual([]);
  });
});

describe('a consent with too few scopes', () => {
  it('is kept, and every connection of the account waits with its invitation open', async () => {
    await using bench = await open();
    await bench.add('acme', { stage: 'checked', accountId: 'AAA111', key });
    await bench.add('second', { stage: 'opened', accountId: 'AAA111', key });
    const invitation = await bench.invite('acme');
    const attempt = bench.attempt({ invitationId: invitation.id });
    await bench.recorder.record(attempt, alpha, bench.pair('one'), ['profiles:read']);
    for (const customerId of ['acme', 'second']) {
      expect(await bench.read(customerId)).toMatchObject({
        stage: 'attention',
        attentionReason: 'scope_missing',
        route: 'key',
      });
    }
    expect((await bench.auditOf('acme')).at(-1)).toContain('not granted: profiles:read');
    expect(await bench.store.invitations.findById(invitation.id)).toMatchObject({
      consumedAtMs: undefined,
    });
    expect(await bench.store.verifications.list('connection-acme')).toMatchObject([
      { kind: 'scopes', verdict: 'failed', reason: 'scope_missing' },
    ]);
    const again = bench.attempt({ invitationId: invitation.id });
    await bench.recorder.record(again, alpha, bench.pair('two'), []);
    expect(await bench.read('acme')).toMatchObject({ stage: 'authorized' });
    expect(await bench.read('second')).toMatchObject({ stage: 'authorized' });
  });

  it('does not disturb a connection that is live', async () => {
    await using bench = await open();
    const fields = { stage: 'live', route: 'oauth', accountId: 'AAA111' } as const;
    const live = await bench.add('acme', { ...fields, key });
    await bench.recorder.record(bench.attempt(), alpha, bench.pair('one'), ['profiles:read']);
    expect(await bench.read('acme')).toEqual(live);
  });
});

describe('a consent during which somebody else wrote', () => {
  it.each(['imported another key', 'gave it another account'])(
    'is not saved when they %s',
    async (what) => {
      await using bench = await open();
      await bench.add('acme', { stage: 'checked', accountId: 'AAA111', key });
      if (what === 'imported another key') {
        await bench.importCsv('customer_id,private_key\nacme,pk_beta0123456789abcdef');
      } else {
        const change = { accountId: 'BBB222' };
        await bench.store.connections.update(await bench.read('acme'), change, bench.clock.now());
      }
      const before = await bench.read('acme');
      const attempt = bench.attempt({ customerId: 'acme' });
      await expect(
        bench.recorder.record(attempt, alpha, bench.pair('one'), []),
      ).rejects.toMatchObject({ code: 'account_unverified' });
      expect(await bench.read('acme')).toEqual(before);
      expect(await bench.grantOf(alpha)).toBeUndefined();
    },
  );
});

describe('a consent of another account', () => {
  it('flags the connection, and its tokens serve nothing', async () => {
    await using bench = await open();
    const connection = await bench.add('acme', { stage: 'opened', accountId: 'AAA111', key });
    await bench.recorder.setAside(connection, beta, bench.pair('other'));
    expect(await bench.read('acme')).toMatchObject({
      stage: 'attention',
      attentionReason: 'account_mismatch',
      attentionFrom: 'opened',
      accountId: 'AAA111',
      route: 'key',
    });
    expect((await bench.auditOf('acme')).at(-1)).toContain('BBB222');
    expect(await bench.grantOf(beta)).toBeUndefined();
  });

  it('leaves the grant of that account, and a connection that is live, as they are', async () => {
    await using bench = await open();
    const live = await bench.add('acme', { stage: 'live', accountId: 'AAA111', route: 'oauth' });
    await bench.grant('BBB222');
    await bench.recorder.setAside(live, beta, bench.pair('other'));
    expect(await bench.read('acme')).toEqual(live);
    const grant = await bench.grantOf(beta);
    expect(grant?.generation).toBe(1);
    expect(grant?.accessToken.reveal()).toBe('access-token-of-BBB222');
  });
});

describe('a consent', () => {
  it('of an account that no customer has is kept for that account', async () => {
    await using bench = await open();
    expect(await bench.recorder.record(bench.attempt(), alpha, bench.pair('one'), [])).toEqual([]);
    expect(await bench.grantOf(alpha)).toMatchObject({ state: 'active', generation: 1 });
  });

  it('makes a connection for a customer that has none yet, without a key to cut over from', async () => {
    await using bench = await open();
    const attempt = bench.attempt({ customerId: 'new' });
    const moved = await bench.recorder.record(attempt, alpha, bench.pair('one'), []);
    expect(moved).toEqual([await bench.read('new')]);
    expect(moved[0]).toMatchObject({ stage: 'authorized', route: 'oauth', accountId: 'AAA111' });
    expect(await bench.settle('new')).toMatchObject({
      stage: 'live',
      route: 'oauth',
      accountId: 'AAA111',
      accountName: 'Alpha',
      liveSinceMs: bench.clock.now(),
    });
  });

  it('moves the connection it was asked for first, then all others of the account', async () => {
    await using bench = await open();
    await bench.add('first', { stage: 'checked', accountId: 'AAA111', key });
    await bench.clock.advance(1);
    await bench.add('second', { stage: 'invited', accountId: 'AAA111', key });
    await bench.clock.advance(1);
    await bench.add('third', { stage: 'opened', accountId: 'AAA111', key });
    await bench.add('other', { stage: 'opened', accountId: 'BBB222', key });
    const attempt = bench.attempt({ customerId: 'third' });
    const moved = await bench.recorder.record(attempt, alpha, bench.pair('one'), []);
    expect(moved.map(({ customerId }) => customerId)).toEqual(['third', 'first', 'second']);
    for (const connection of moved) {
      expect(connection).toMatchObject({ stage: 'authorized', route: 'key' });
      expect(connection).toEqual(await bench.read(connection.customerId));
    }
    expect(await bench.settle('third')).toMatchObject({ stage: 'verified', route: 'key' });
    expect(await bench.auditOf('third')).toEqual([
      'opened → authorized, customer',
      'authorized → verified, system',
    ]);
    expect(await bench.read('other')).toMatchObject({ stage: 'opened' });
  });

  it('ends every invitation of the connections it moves', async () => {
    await using bench = await open();
    for (const customerId of ['acme', 'second']) {
      await bench.add(customerId, { stage: 'checked', accountId: 'AAA111', key });
    }
    const invitations = [await bench.invite('acme'), await bench.invite('second')];
    const attempt = bench.attempt({ invitationId: invitations[0]?.id });
    await bench.recorder.record(attempt, alpha, bench.pair('one'), []);
    for (const { id } of invitations) {
      expect(await bench.store.invitations.findById(id)).toMatchObject({
        consumedAtMs: bench.clock.now(),
      });
    }
  });

  it('given twice replaces the pair in place and moves nobody twice', async () => {
    await using bench = await open();
    await bench.add('acme', { stage: 'checked', accountId: 'AAA111', key });
    const attempt = bench.attempt({ customerId: 'acme' });
    await bench.recorder.record(attempt, alpha, bench.pair('one'), []);
    const first = await bench.grantOf(alpha);
    await bench.recorder.record(attempt, alpha, bench.pair('two'), []);
    const second = await bench.grantOf(alpha);
    expect(second).toMatchObject({ id: first?.id, generation: 2 });
    expect(second?.accessToken.reveal()).toBe('access-token-of-two');
    expect(second?.previousRefreshToken?.reveal()).toBe('refresh-token-of-one');
    expect(await bench.auditOf('acme')).toHaveLength(1);
  });

  it('finished in two tabs at the same moment succeeds in both', async () => {
    await using bench = await open();
    await bench.add('acme', { stage: 'opened', accountId: 'AAA111', key });
    const attempt = bench.attempt({ customerId: 'acme' });
    await Promise.all(
      ['one', 'two', 'three'].map((name) =>
        bench.recorder.record(attempt, alpha, bench.pair(name), []),
      ),
    );
    expect(await bench.read('acme')).toMatchObject({ stage: 'authorized' });
    expect(await bench.grantOf(alpha)).toMatchObject({ generation: 3, state: 'active' });
    expect(await bench.auditOf('acme')).toHaveLength(1);
  });
});

describe('a consent that was lost and is given again', () => {
  /** A live connection whose grant was found dead. */
  async function openLost(withKey: boolean) {
    const bench = await open();
    const liveSinceMs = bench.clock.now() - 1_000;
    const fields = { stage: 'live', route: 'oauth', accountId: 'AAA111', liveSinceMs } as const;
    await bench.add('acme', { ...fields, ...(withKey ? { key } : {}) });
    const grant = await bench.grant('AAA111');
    await loseGrant(bench.store, grant.id, grant.generation);
    await flagLostGrant(bench)(grant, bench.store);
    return { ...bench, liveSinceMs };
  }

  it.each([true, false])('returns the traffic to OAuth (with a key: %s)', async (withKey) => {
    await using bench = await openLost(withKey);
    const attempt = bench.attempt({ customerId: 'acme' });
    await bench.recorder.record(attempt, alpha, bench.pair('again'), []);
    await bench.settle('acme');
    expect(await bench.read('acme')).toMatchObject({
      stage: 'live',
      route: 'oauth',
      attentionReason: undefined,
      liveSinceMs: bench.liveSinceMs,
    });
    expect(await bench.grantOf(alpha)).toMatchObject({ state: 'active', generation: 2 });
    expect((await bench.auditOf('acme')).at(-1)).toBe('verified → live, system: consent renewed');
  });

  it('says so in the audit log, also when the customer was invited in between', async () => {
    await using bench = await openLost(true);
    const invitation = await bench.invite('acme');
    const attempt = bench.attempt({ invitationId: invitation.id });
    await bench.recorder.record(attempt, alpha, bench.pair('again'), []);
    await bench.settle('acme');
    expect(await bench.read('acme')).toMatchObject({ stage: 'live', route: 'oauth' });
    expect((await bench.auditOf('acme')).at(-1)).toBe('verified → live, system: consent renewed');
  });
});
