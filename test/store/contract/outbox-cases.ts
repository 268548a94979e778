import assert from 'node:assert/strict';
import type { MessageChannel, NewMessage } from '../../../src/model/message.ts';
import type { OutboxClaim } from '../../../src/store/outbox.ts';
import type { Store } from '../../../src/store/store.ts';
import {
  oneOf,
  rejectsWith,
  sampleConnection,
  sampleInvitation,
  t0,
  type ContractTest,
} from './contract-test.ts';

const one = 'connection-one';

/** A mail of the connection `one`, due at once. */
function message(id: string, fields: Partial<NewMessage> = {}): NewMessage {
  return {
    id,
    onceKey: `key-${id}`,
    connectionId: one,
    invitationId: 'invitation',
    kind: 'invitation',
    channel: 'mail',
    recipient: 'ada@acme.example',
    dueAtMs: t0,
    createdAtMs: t0,
    ...fields,
  };
}

const claimOf = (owner: string, fields: Partial<OutboxClaim> = {}): OutboxClaim => ({
  owner,
  nowMs: t0,
  leaseExpiresAtMs: t0 + 1000,
  limit: 100,
  channels: ['mail', 'webhook'],
  ...fields,
});

const withConnection =
  (test: ContractTest): ContractTest =>
  async (store, openAnother) => {
    await store.connections.insert(sampleConnection('one'));
    await store.connections.insert(sampleConnection('two'));
    await test(store, openAnother);
  };

const idsOf = (entries: readonly { readonly id: string }[]) => entries.map(({ id }) => id);
const stateOf = async (store: Store, id: string) => (await store.outbox.findById(id))?.state;

/** Promises of `store.outbox` about queueing, claiming and sending. */
export const outboxCases = {
  'outbox: one of no connection is refused': async (store) => {
    await rejectsWith(store.outbox.add(message('a')), 'connection_not_found');
  },

  'outbox: a message comes back as it was queued, and once by its key': withConnection(
    async (store) => {
      assert.equal(await store.outbox.add(message('a')), true);
      assert.equal(await store.outbox.add(message('b', { onceKey: 'key-a' })), false);
      assert.deepEqual(await store.outbox.findById('a'), {
        id: 'a',
        connectionId: one,
        invitationId: 'invitation',
        kind: 'invitation',
        channel: 'mail',
        recipient: 'ada@acme.example',
        state: 'waiting',
        attempts: 0,
        dueAtMs: t0,
        createdAtMs: t0,
        endedAtMs: undefined,
        leaseOwner: undefined,
        leaseExpiresAtMs: undefined,
        detail: undefined,
      });
      assert.equal(await store.outbox.findById('b'), undefined);
    },
  ),

  'outbox: what is due is claimed in its order, what is not is left': withConnection(
    async (store) => {
      await store.outbox.add(message('late', { dueAtMs: t0 - 1 }));
      await store.outbox.add(message('early', { dueAtMs: t0 - 9 }));
      await store.outbox.add(message('future', { dueAtMs: t0 + 1 }));
      await store.outbox.add(message('file', { channel: 'export', state: 'sent' }));
      assert.equal(await store.outbox.nextDueMs(), t0 - 9);
      assert.deepEqual(idsOf(await store.outbox.claim(claimOf('w', { limit: 1 }))), ['early']);
      assert.deepEqual(idsOf(await store.outbox.claim(claimOf('w'))), ['late']);
      assert.deepEqual(await store.outbox.claim(claimOf('w', { channels: ['webhook'] })), []);
    },
  ),

  'outbox: two senders never hold the same message': withConnection(async (store, openAnother) => {
    const stores = [store, await openAnother()];
    for (let i = 0; i < 40; i += 1) await store.outbox.add(message(`m${i}`));
    const claims = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        oneOf(stores, i).outbox.claim(claimOf(`w${i}`, { limit: 7 })),
      ),
    );
    const ids = idsOf(claims.flat());
    assert.equal(new Set(ids).size, ids.length);
    const rest = await store.outbox.claim(claimOf('rest'));
    assert.equal(ids.length + rest.length, 40);
  }),

  'outbox: only its holder begins and ends a message': withConnection(async (store) => {
    await store.outbox.add(message('a'));
    assert.equal(await store.outbox.begin('a', 'me', t0 + 1000), false);
    await store.outbox.claim(claimOf('me'));
    assert.equal(await store.outbox.begin('a', 'you', t0 + 1000), false);
    assert.equal(await store.outbox.begin('a', 'me', t0 + 2000), true);
    assert.equal(await store.outbox.begin('a', 'me', t0 + 2000), false);
    assert.equal(await store.outbox.finish('a', 'you', { state: 'sent', atMs: t0 }), false);
    assert.equal(await store.outbox.finish('a', 'me', { state: 'sent', atMs: t0 + 5 }), true);
    assert.equal(await store.outbox.finish('a', 'me', { state: 'sent', atMs: t0 + 6 }), false);
    const sent = await store.outbox.findById('a');
    assert.deepEqual(
      [sent?.state, sent?.attempts, sent?.endedAtMs, sent?.leaseOwner],
      ['sent', 1, t0 + 5, undefined],
    );
  }),

  'outbox: one put off waits for its time, with the reason': withConnection(async (store) => {
    await store.outbox.add(message('a'));
    await store.outbox.claim(claimOf('me'));
    await store.outbox.begin('a', 'me', t0 + 1000);
    const outcome = { state: 'waiting', dueAtMs: t0 + 60_000, detail: '451 later' } as const;
    assert.equal(await store.outbox.finish('a', 'me', outcome), true);
    assert.deepEqual(await store.outbox.claim(claimOf('me')), []);
    const [again] = await store.outbox.claim(claimOf('me', { nowMs: t0 + 60_000 }));
    assert.deepEqual([again?.id, again?.detail, again?.attempts], ['a', '451 later', 1]);
  }),

  'outbox: what a dead sender began is uncertain, what it only held waits again': withConnection(
    async (store) => {
      for (const id of ['begun', 'held']) await store.outbox.add(message(id));
      await store.outbox.add(message('hook', { channel: 'webhook', recipient: undefined }));
      await store.outbox.claim(claimOf('dead'));
      await store.outbox.begin('begun', 'dead', t0 + 1000);
      await store.outbox.begin('hook', 'dead', t0 + 1000);
      assert.equal(await store.outbox.takeOver(t0 + 999, []), 0);
      assert.equal(await stateOf(store, 'begun'), 'sending');
      assert.deepEqual(await store.outbox.listOwners(), ['dead']);
      assert.equal(await store.outbox.takeOver(t0 + 1000, []), 1);
      assert.equal(await stateOf(store, 'begun'), 'uncertain');
      assert.equal(await stateOf(store, 'held'), 'waiting');
      assert.equal(await stateOf(store, 'hook'), 'waiting');
      const again = await store.outbox.claim(claimOf('next', { nowMs: t0 + 1000 }));
      assert.deepEqual(idsOf(again).toSorted(), ['held', 'hook']);
    },
  ),

  'outbox: a sender known to be dead is not waited for, and one that lives after all is believed':
    withConnection(async (store) => {
      await store.outbox.add(message('a'));
      await store.outbox.claim(claimOf('slow'));
      await store.outbox.begin('a', 'slow', t0 + 1000);
      assert.equal(await store.outbox.takeOver(t0, ['other', 'slow']), 1);
      assert.equal(await stateOf(store, 'a'), 'uncertain');
      assert.equal(await store.outbox.finish('a', 'slow', { state: 'sent', atMs: t0 }), true);
      assert.equal(await stateOf(store, 'a'), 'sent');
    }),

  'outbox: an uncertain or failed message is sent again by choice only, under its id':
    withConnection(async (store) => {
      for (const id of ['a', 'b', 'c']) await store.outbox.add(message(id));
      await store.outbox.claim(claimOf('me'));
      for (const id of ['a', 'b', 'c']) await store.outbox.begin(id, 'me', t0 + 1000);
      const ended = { atMs: t0, detail: 'why' };
      await store.outbox.finish('a', 'me', { state: 'uncertain', ...ended });
      await store.outbox.finish('b', 'me', { state: 'failed', ...ended });
      await store.outbox.finish('c', 'me', { state: 'sent', atMs: t0 });
      assert.deepEqual(await store.outbox.claim(claimOf('me', { nowMs: t0 + 9_999 })), []);
      assert.equal(await store.outbox.resend('a', t0), true);
      assert.equal(await store.outbox.resend('b', t0), true);
      assert.equal(await store.outbox.resend('c', t0), false);
      assert.equal(await store.outbox.resend('nope', t0), false);
      assert.deepEqual(idsOf(await store.outbox.claim(claimOf('me'))), ['a', 'b']);
    }),

  'outbox: given back or cancelled, a message is nobody’s': withConnection(async (store) => {
    await store.outbox.add(message('a'));
    await store.outbox.claim(claimOf('me'));
    await store.outbox.release('me');
    assert.deepEqual(await store.outbox.listOwners(), []);
    assert.equal(await store.outbox.cancelByInvitation('invitation', t0 + 3, 'revoked'), 1);
    assert.equal(await store.outbox.cancelByInvitation('invitation', t0 + 4, 'again'), 0);
    assert.deepEqual(await store.outbox.claim(claimOf('me')), []);
    const entry = await store.outbox.findById('a');
    assert.deepEqual(
      [entry?.state, entry?.detail, entry?.endedAtMs],
      ['cancelled', 'revoked', t0 + 3],
    );
  }),

  'outbox: messages are listed and counted by what is asked for, over page borders': withConnection(
    async (store) => {
      await store.transaction(async (tx) => {
        for (let i = 0; i < 450; i += 1) {
          const channel: MessageChannel = i % 2 === 0 ? 'mail' : 'webhook';
          await tx.outbox.add(message(`m${String(i).padStart(3, '0')}`, { channel }));
        }
      });
      await store.outbox.add(
        message('x', { connectionId: 'connection-two', kind: 'hand_over', createdAtMs: t0 + 1 }),
      );
      assert.equal((await Array.fromAsync(store.outbox.list())).length, 451);
      const others = await Array.fromAsync(store.outbox.list({ connectionId: 'connection-two' }));
      assert.deepEqual(idsOf(others), ['x']);
      assert.deepEqual(await Array.fromAsync(store.outbox.list({ states: [] })), []);
      assert.equal(await store.outbox.count({ kinds: ['hand_over'], sinceMs: t0 + 1 }), 1);
      assert.equal(await store.outbox.count({ states: ['sent'] }), 0);
      assert.deepEqual(await store.outbox.countByState(), [
        { kind: 'hand_over', channel: 'mail', state: 'waiting', count: 1 },
        { kind: 'invitation', channel: 'mail', state: 'waiting', count: 225 },
        { kind: 'invitation', channel: 'webhook', state: 'waiting', count: 225 },
      ]);
    },
  ),

  'outbox: a link that a mail server repeats is not kept': withConnection(async (store) => {
    await store.outbox.add(message('a'));
    await store.outbox.claim(claimOf('me'));
    await store.outbox.begin('a', 'me', t0 + 1000);
    const detail = '554 bad URL https://app.example/connect/AbCdEfGhIjKlMnOpQrSt, says the list';
    await store.outbox.finish('a', 'me', { state: 'failed', atMs: t0 + 6, detail });
    assert.equal(
      (await store.outbox.findById('a'))?.detail,
      '554 bad URL https://app.example/connect/[scrubbed], says the list',
    );
  }),

  'outbox: a contact tells when a customer was told, reminded, and opened': withConnection(
    async (store) => {
      await store.invitations.insert(sampleInvitation('i', one));
      await store.invitations.markOpened('i', t0 + 7);
      await store.outbox.add(
        message('a', { channel: 'export', state: 'sent', createdAtMs: t0 + 2 }),
      );
      await store.outbox.add(message('b', { kind: 'reminder' }));
      await store.outbox.add(message('c', { kind: 'reminder', dueAtMs: t0 + 99 }));
      await store.outbox.claim(claimOf('me'));
      await store.outbox.begin('b', 'me', t0 + 1000);
      await store.outbox.finish('b', 'me', { state: 'sent', atMs: t0 + 6 });
      const told = {
        connectionId: one,
        firstToldAtMs: t0 + 2,
        lastToldAtMs: t0 + 6,
        reminders: 1,
        openedAtMs: t0 + 7,
      };
      const nothing = {
        connectionId: 'connection-two',
        firstToldAtMs: undefined,
        lastToldAtMs: undefined,
        reminders: 0,
        openedAtMs: undefined,
      };
      assert.deepEqual(await store.outbox.contactOf({ id: one }), told);
      assert.deepEqual(await store.outbox.contactOf({ id: 'connection-two' }), nothing);
    },
  ),
} as const satisfies Record<string, ContractTest>;
