import assert from 'node:assert/strict';
import { t0, type ContractTest } from './contract-test.ts';

const ignoreAfterMs = t0 + 60_000;

/** Promises of `store.sweepTurns`. */
export const sweepTurnCases = {
  async 'sweep turns: one of many takes it, the others learn when it ends'(store, openAnother) {
    const stores = [store, await openAnother(), await openAnother()];
    const takeAll = (nowMs: number) =>
      Promise.all(
        [...stores, ...stores].map(({ sweepTurns }) =>
          sweepTurns.take('app', { nowMs, untilMs: nowMs + 1_000, ignoreAfterMs }),
        ),
      );
    for (const nowMs of [t0, t0 + 1_000]) {
      const turns = await takeAll(nowMs);
      assert.equal(turns.filter(({ taken }) => taken).length, 1);
      assert.deepEqual(new Set(turns.map(({ endsAtMs }) => endsAtMs)), new Set([nowMs + 1_000]));
    }
    assert.equal((await takeAll(t0 + 1_999)).filter(({ taken }) => taken).length, 0);
  },

  async 'sweep turns: apps do not wait for each other'(store) {
    const turn = { nowMs: t0, untilMs: t0 + 1_000, ignoreAfterMs };
    assert.equal((await store.sweepTurns.take('app', turn)).taken, true);
    assert.equal((await store.sweepTurns.take('other', turn)).taken, true);
  },

  async 'sweep turns: one may be ended early, but not one that another has by now'(store) {
    const { sweepTurns } = store;
    await sweepTurns.take('app', { nowMs: t0, untilMs: t0 + 1_000, ignoreAfterMs });
    await sweepTurns.shorten('app', t0 + 1_000, t0 + 50);
    const next = { nowMs: t0 + 50, untilMs: t0 + 700, ignoreAfterMs };
    assert.deepEqual(await sweepTurns.take('app', next), { taken: true, endsAtMs: t0 + 700 });
    await sweepTurns.shorten('app', t0 + 1_000, t0 + 60);
    assert.deepEqual(await sweepTurns.take('app', { ...next, nowMs: t0 + 60 }), {
      taken: false,
      endsAtMs: t0 + 700,
    });
  },

  async 'sweep turns: one that a wrong clock took for years holds nobody up'(store) {
    const { sweepTurns } = store;
    const yearMs = 365 * 86_400_000;
    await sweepTurns.take('app', { nowMs: t0 + yearMs, untilMs: t0 + yearMs, ignoreAfterMs });
    const turn = { nowMs: t0, untilMs: t0 + 1_000, ignoreAfterMs };
    assert.deepEqual(await sweepTurns.take('app', turn), { taken: true, endsAtMs: t0 + 1_000 });
  },
} as const satisfies Record<string, ContractTest>;
