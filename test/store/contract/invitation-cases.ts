import assert from 'node:assert/strict';
import {
  rejectsWith,
  sampleConnection,
  sampleInvitation,
  t0,
  type ContractTest,
} from './contract-test.ts';

const one = 'connection-one';
const two = 'connection-two';

const withConnections =
  (test: ContractTest): ContractTest =>
  async (store, openAnother) => {
    await store.connections.insert(sampleConnection('one'));
    await store.connections.insert(sampleConnection('two'));
    await test(store, openAnother);
  };

/** Promises of `store.invitations`. */
export const invitationCases = {
  'invitations: one of no connection is refused': async (store) => {
    await rejectsWith(
      store.invitations.insert(sampleInvitation('a', 'nope')),
      'connection_not_found',
    );
  },

  'invitations: what is not there is not found, and changing it does nothing': withConnections(
    async (store) => {
      assert.equal(await store.invitations.findById('nope'), undefined);
      assert.equal(await store.invitations.findByTokenHash('nope'), undefined);
      assert.deepEqual(await store.invitations.listByConnection(one), []);
      await store.invitations.markOpened('nope', t0);
      await store.invitations.revoke('nope', t0);
      await store.invitations.consumeByConnection('nope', t0);
    },
  ),

  'invitations: a token belongs to one invitation': withConnections(async (store) => {
    await store.invitations.insert(sampleInvitation('a', one, { tokenHash: 'same' }));
    await assert.rejects(
      store.invitations.insert(sampleInvitation('b', two, { tokenHash: 'same' })),
    );
    assert.equal((await store.invitations.findByTokenHash('same'))?.id, 'a');
  }),

  'invitations: every field comes back as it was inserted': withConnections(async (store) => {
    const full = sampleInvitation('full', one, {
      openedAtMs: t0 + 1,
      consumedAtMs: t0 + 2,
      revokedAtMs: t0 + 3,
      wave: 'spring',
    });
    for (const invitation of [full, sampleInvitation('open', one)]) {
      await store.invitations.insert(invitation);
      assert.deepEqual(await store.invitations.findById(invitation.id), invitation);
      assert.deepEqual(await store.invitations.findByTokenHash(invitation.tokenHash), invitation);
    }
  }),

  'invitations: those of a connection come newest first': withConnections(async (store) => {
    for (const [i, id] of ['b', 'c', 'a'].entries()) {
      await store.invitations.insert(sampleInvitation(id, one, { createdAtMs: t0 + i }));
    }
    await store.invitations.insert(sampleInvitation('other', two));
    const listed = await store.invitations.listByConnection(one);
    assert.deepEqual(
      listed.map(({ id }) => id),
      ['a', 'c', 'b'],
    );
  }),

  'invitations: the first opening is recorded, later ones change nothing': withConnections(
    async (store) => {
      await store.invitations.insert(sampleInvitation('a', one));
      await store.invitations.markOpened('a', t0 + 5);
      await store.invitations.markOpened('a', t0 + 9);
      assert.equal((await store.invitations.findById('a'))?.openedAtMs, t0 + 5);
    },
  ),

  'invitations: success ends every open one of the connection, and no other': withConnections(
    async (store) => {
      await store.invitations.insert(sampleInvitation('used', one, { consumedAtMs: t0 + 1 }));
      await store.invitations.insert(sampleInvitation('revoked', one, { revokedAtMs: t0 + 2 }));
      await store.invitations.insert(sampleInvitation('open', one));
      await store.invitations.insert(sampleInvitation('open-too', one));
      await store.invitations.insert(sampleInvitation('foreign', two));
      await store.invitations.consumeByConnection(one, t0 + 50);
      const consumedAt = async (id: string) => (await store.invitations.findById(id))?.consumedAtMs;
      assert.equal(await consumedAt('used'), t0 + 1);
      assert.equal(await consumedAt('revoked'), undefined);
      assert.equal(await consumedAt('open'), t0 + 50);
      assert.equal(await consumedAt('open-too'), t0 + 50);
      assert.equal(await consumedAt('foreign'), undefined);
    },
  ),

  'invitations: a revocation is recorded once, and not after success': withConnections(
    async (store) => {
      await store.invitations.insert(sampleInvitation('a', one));
      await store.invitations.insert(sampleInvitation('used', one, { consumedAtMs: t0 + 1 }));
      await store.invitations.revoke('a', t0 + 5);
      await store.invitations.revoke('a', t0 + 9);
      await store.invitations.revoke('used', t0 + 9);
      assert.equal((await store.invitations.findById('a'))?.revokedAtMs, t0 + 5);
      assert.equal((await store.invitations.findById('used'))?.revokedAtMs, undefined);
    },
  ),
} as const satisfies Record<string, ContractTest>;
