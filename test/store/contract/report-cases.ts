import assert from 'node:assert/strict';
import type { Stage } from '../../../src/model/stages.ts';
import type { Store } from '../../../src/store/store.ts';
import { sampleConnection, sampleInvitation, t0, type ContractTest } from './contract-test.ts';

const hourMs = 3_600_000;

/** A connection that came to each stage an hour after the one before, and stands at the last. */
async function travel(store: Store, customerId: string, ...path: readonly Stage[]): Promise<void> {
  const stage = path.at(-1) ?? 'imported';
  const fields = stage === 'attention' ? ({ attentionReason: 'grant_lost' } as const) : {};
  const { id } = await store.connections.insert(sampleConnection(customerId, { stage, ...fields }));
  for (const [at, toStage] of path.entries()) {
    await store.audit.append({
      ...{ atMs: t0 + at * hourMs, actor: 'cli', action: 'connection.stage', connectionId: id },
      ...{ fromStage: path[at - 1], toStage, reason: undefined },
    });
  }
}

/** Promises of `store.reports`. */
export const reportCases = {
  async 'reports: connections count where they came to at the farthest, whatever came after'(
    store,
  ) {
    await travel(store, 'a', 'imported', 'checked', 'invited', 'opened', 'authorized', 'attention');
    await travel(store, 'b', 'imported', 'checked', 'invited', 'opened', 'imported');
    await travel(store, 'c', 'imported', 'checked');
    await travel(store, 'unwritten');
    assert.deepEqual(Object.fromEntries(await store.reports.countByFarthest()), {
      ...{ authorized: 1, opened: 1, checked: 1, imported: 1 },
    });
  },

  async 'reports: time in a stage is what ended stays took, at the median and at nine in ten'(
    store,
  ) {
    for (let hours = 1; hours <= 10; hours += 1) {
      const { id } = await store.connections.insert(sampleConnection(String(hours)));
      for (const [atMs, toStage] of [
        [t0, 'invited'],
        [t0 + hours * hourMs, 'opened'],
      ] as const) {
        const event = { atMs, actor: 'cli', action: 'connection.stage', connectionId: id };
        await store.audit.append({ ...event, fromStage: undefined, toStage, reason: undefined });
      }
    }
    assert.deepEqual(await store.reports.timeInStage(), [
      { stage: 'invited', stays: 10, p50Ms: 5 * hourMs, p90Ms: 9 * hourMs },
    ]);
  },

  async 'reports: first consents fall on days, and failures on reasons'(store) {
    await travel(store, 'a', 'imported', 'authorized', 'attention');
    await travel(store, 'b', 'imported', 'authorized', 'checked', 'authorized');
    await travel(store, 'c', 'imported', 'attention');
    const dayStartMs = Math.floor((t0 + hourMs) / 86_400_000) * 86_400_000;
    assert.deepEqual(await store.reports.consentsByDay(), [{ dayStartMs, count: 2 }]);
    assert.deepEqual(await store.reports.failures(), [
      { reason: 'grant_lost', count: 2, oldestMs: t0 },
    ]);
  },

  async 'reports: who has not answered comes in the order of invitations'(store) {
    for (const [at, customerId] of ['late', 'early', 'done'].entries()) {
      const stage = customerId === 'done' ? 'live' : 'opened';
      await store.connections.insert(sampleConnection(customerId, { stage, name: 'Name' }));
      const createdAtMs = t0 + (customerId === 'early' ? 0 : 1_000);
      await store.invitations.insert(
        sampleInvitation(`i${at}`, `connection-${customerId}`, { createdAtMs }),
      );
    }
    const unanswered = await store.reports.unanswered(10);
    assert.deepEqual(
      unanswered.map(({ customerId, invitedAtMs, name }) => [customerId, invitedAtMs, name]),
      [
        ['early', t0, 'Name'],
        ['late', t0 + 1_000, 'Name'],
      ],
    );
    assert.equal((await store.reports.unanswered(1)).length, 1);
  },
} as const satisfies Record<string, ContractTest>;
