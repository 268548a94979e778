import { describe, expect, it } from 'vitest';
import { openTestBench, tokenPair, type TestBench } from '../../test/support/workbench-fixture.ts';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import { systemClock } from '../runtime/clock.ts';
import { createLogger } from '../runtime/logger.ts';
import type { Grant } from '../model/grant.ts';
import type { GrantStore } from '../store/grants.ts';
import { createPairSaver } from './pair-saver.ts';

const outage = () => new KeyshiftError('database_unavailable', 'The database does not answer.');

/** A saver over a store whose saves a test lets fail, under a clock that does not wait. */
function openSaver(bench: TestBench, save: (real: GrantStore) => GrantStore['saveRefreshed']) {
  const real = bench.store.grants;
  const pauses: number[] = [];
  const saver = createPairSaver({
    grants: { ...real, saveRefreshed: save(real) },
    clock: { ...systemClock, sleep: async (ms) => void pauses.push(ms) },
    logger: createLogger({ level: 'silent' }),
  });
  return { save: saver.save, pauses };
}

async function lease(bench: TestBench, owner: string): Promise<Grant> {
  const { id } = await bench.grant('AAA111');
  const nowMs = bench.clock.now();
  const request = { generation: 1, owner, nowMs, expiresAtMs: nowMs + 1_000 };
  return (await bench.store.grants.acquireLease(id, request))!;
}

describe('saving a refreshed pair', () => {
  it('gives up after minutes without a database, and throws what it said', async () => {
    await using bench = await openTestBench();
    const grant = await lease(bench, 'one');
    const { save, pauses } = openSaver(bench, () => () => Promise.reject(outage()));
    const saving = save(grant, 'one', tokenPair('next', bench.clock.now()));
    await expect(saving).rejects.toMatchObject({ code: 'database_unavailable' });
    expect(pauses.reduce((sum, ms) => sum + ms)).toBeGreaterThan(120_000);
  });

  it('is tried again when the database was away for a moment', async () => {
    await using bench = await openTestBench();
    const grant = await lease(bench, 'one');
    let failures = 3;
    const { save } = openSaver(bench, (real) => async (...args) => {
      if (failures-- > 0) throw outage();
      return real.saveRefreshed(...args);
    });
    const saved = await save(grant, 'one', tokenPair('next', bench.clock.now()));
    expect(saved).toMatchObject({ generation: 2 });
  });

  it('does not take its own save for another’s when only the answer was lost', async () => {
    await using bench = await openTestBench();
    const grant = await lease(bench, 'one');
    let lost = false;
    const { save } = openSaver(bench, (real) => async (...args) => {
      const saved = await real.saveRefreshed(...args);
      if (lost) return saved;
      lost = true;
      throw outage();
    });
    const pair = tokenPair('next', bench.clock.now());
    await save(grant, 'one', pair);
    const stored = await bench.store.grants.findById(grant.id);
    expect(stored).toMatchObject({ generation: 2, state: 'active' });
    expect(stored?.refreshToken.equals(pair.refreshToken)).toBe(true);
    expect(stored?.previousRefreshToken?.equals(grant.refreshToken)).toBe(true);
  });

  it('leaves the refresh token beside the pair while another holds the lease', async () => {
    await using bench = await openTestBench();
    const grant = await lease(bench, 'other');
    const { save } = openSaver(bench, (real) => real.saveRefreshed);
    const pair = tokenPair('late', bench.clock.now());
    expect(await save(grant, 'one', pair)).toBeUndefined();
    const stored = await bench.store.grants.findById(grant.id);
    expect(stored?.refreshToken.equals(grant.refreshToken)).toBe(true);
    expect(stored?.previousRefreshToken?.equals(pair.refreshToken)).toBe(true);
  });

  it('brings a grant back that the other holder called lost before it could know better', async () => {
    await using bench = await openTestBench();
    const grant = await lease(bench, 'other');
    const { save } = openSaver(bench, (real) => async (...args) => {
      const saved = await real.saveRefreshed(...args);
      await real.markLost(grant, 'other');
      return saved;
    });
    const saved = await save(grant, 'one', tokenPair('late', bench.clock.now()));
    expect(saved).toMatchObject({ state: 'active', generation: 2 });
  });
});
