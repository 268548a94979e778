import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, vi } from 'vitest';
import { openTestBench, tokenPair } from '../../test/support/workbench-fixture.ts';

/** What is said to SQLite beside the prepared statements while `work` runs. */
async function saidDuring(work: () => Promise<unknown>): Promise<string[]> {
  const exec = vi.spyOn(DatabaseSync.prototype, 'exec');
  try {
    await work().catch(() => undefined);
    return exec.mock.calls.map(([statement]) => statement);
  } finally {
    exec.mockRestore();
  }
}

const full = 'pragma synchronous = full';
const normal = 'pragma synchronous = normal';

describe('what SQLite has on the disk when it answers', () => {
  it('is every pair that a refresh saves, and every refresh token that is kept beside it', async () => {
    await using bench = await openTestBench();
    const { grants } = bench.store;
    const { id, refreshToken } = await bench.grant('AAA111');
    const next = tokenPair('next', bench.clock.now());
    expect(await saidDuring(() => grants.saveRefreshed(id, 1, next))).toEqual([full, normal]);
    const keep = () => grants.keepForRecovery(id, 2, refreshToken);
    expect(await saidDuring(keep)).toEqual([full, normal]);
    expect(await saidDuring(() => bench.grant('BBB222'))).toEqual([full, normal]);
  });

  it('is every transaction, and the mode is back when it fails', async () => {
    await using bench = await openTestBench();
    const { store } = bench;
    const key = { clientId: 'app-one', accountId: 'AAA111', id: 'g1' };
    const pair = tokenPair('first', bench.clock.now());
    const consent = () => store.transaction((tx) => tx.grants.saveConsent(key, pair));
    expect(await saidDuring(consent)).toEqual([full, 'commit', normal]);
    const failing = () => store.transaction(() => Promise.reject(new Error('no')));
    expect(await saidDuring(failing)).toEqual([full, 'rollback', normal]);
  });

  it('is not every lease: nothing is lost with one', async () => {
    await using bench = await openTestBench();
    const { id } = await bench.grant('AAA111');
    const nowMs = bench.clock.now();
    const lease = { generation: 1, owner: 'one', nowMs, expiresAtMs: nowMs + 1_000 };
    expect(await saidDuring(() => bench.store.grants.acquireLease(id, lease))).toEqual([]);
    expect(await saidDuring(() => bench.store.grants.releaseLease(id, 'one'))).toEqual([]);
  });
});
