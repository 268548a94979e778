import { describe, expect, it, vi } from 'vitest';
import {
  engineGrantKey as key,
  openEngineBench,
  type EngineBench,
} from '../../test/support/engine-fixture.ts';
import { granted } from '../../test/support/fake-oauth-client.ts';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import { createLogger } from '../runtime/logger.ts';
import { createSweeper } from './sweeper.ts';

const outage = () => new KeyshiftError('database_unavailable', 'The database does not answer.');

/** A refresh whose caller was told, after minutes, that the database is away. */
async function refreshInOutage(bench: EngineBench) {
  const saving = vi.spyOn(bench.store.grants, 'saveRefreshed').mockRejectedValue(outage());
  await bench.expire();
  bench.oauth.answerRefresh(() => granted({ accessToken: 'a-2', refreshToken: 'r-2' }));
  const told = bench.engine.liveGrant(key).then(
    () => 'a pair that is stored nowhere',
    (error: unknown) => (error as KeyshiftError).code,
  );
  for (let seconds = 0; seconds < 240; seconds += 1) await bench.clock.advance(1_000);
  expect(await told).toBe('database_unavailable');
  return saving;
}

describe('a pair that the database could not take while its callers waited', () => {
  it('is saved when the database is back, and nothing is refreshed again', async () => {
    await using bench = await openEngineBench();
    const saving = await refreshInOutage(bench);
    for (let minutes = 0; minutes < 10; minutes += 1) await bench.clock.advance(60_000);
    expect(await bench.stored()).toMatchObject({ generation: 1 });
    saving.mockRestore();
    await bench.clock.advance(10_000);
    await expect.poll(bench.stored).toMatchObject({ generation: 2 });
    expect((await bench.engine.liveGrant(key)).accessToken.reveal()).toBe('a-2');
    expect(bench.oauth.spent).toHaveLength(1);
  });

  it('is saved before the refresh token that was spent is spent again by a caller', async () => {
    await using bench = await openEngineBench();
    const saving = await refreshInOutage(bench);
    await expect(bench.engine.liveGrant(key)).rejects.toMatchObject({
      code: 'database_unavailable',
    });
    saving.mockRestore();
    expect((await bench.engine.liveGrant(key)).accessToken.reveal()).toBe('a-2');
    expect(bench.oauth.spent).toHaveLength(1);
  });

  it('is what is revoked when the grant is ended', async () => {
    await using bench = await openEngineBench();
    const saving = await refreshInOutage(bench);
    saving.mockRestore();
    expect(await bench.engine.endGrant(key)).toBe(true);
    expect(bench.oauth.revoked).toEqual(['r-2']);
    expect(await bench.stored()).toMatchObject({ state: 'revoked' });
  });

  it('is saved by the sweeper of this process under the lease that it claimed', async () => {
    await using bench = await openEngineBench();
    const saving = await refreshInOutage(bench);
    saving.mockRestore();
    const { store, engine: tokens, clock, random } = bench;
    const logger = createLogger({ level: 'silent' });
    const { clientId } = key;
    const sweeper = createSweeper({ store, tokens, clientId, clock, random, logger });
    expect(await sweeper.sweep()).toEqual({ refreshed: 1, lost: 0, failed: 0 });
    expect((await bench.stored())?.refreshToken.reveal()).toBe('r-2');
    expect(bench.oauth.spent).toHaveLength(1);
  });

  it('gives way to a consent that came meanwhile', async () => {
    await using bench = await openEngineBench();
    const saving = await refreshInOutage(bench);
    saving.mockRestore();
    await bench.grant(key.accountId);
    await bench.clock.advance(10_000);
    await bench.engine.drain();
    const stored = await bench.stored();
    expect(stored).toMatchObject({ generation: 2 });
    expect(stored?.refreshToken.reveal()).not.toBe('r-2');
  });

  it('is tried once more when the engine is drained, and then given up with a word', async () => {
    await using bench = await openEngineBench();
    const saving = await refreshInOutage(bench);
    const triedBefore = saving.mock.calls.length;
    await bench.engine.drain();
    expect(saving).toHaveBeenCalledTimes(triedBefore + 1);
    expect(bench.lines.filter((line) => line.includes('given up'))).toHaveLength(1);
    expect(bench.lines.join('')).not.toMatch(/r-2|a-2/);
    saving.mockRestore();
  });

  it('is given up after an hour', async () => {
    await using bench = await openEngineBench();
    const saving = await refreshInOutage(bench);
    for (let minutes = 0; minutes < 62; minutes += 1) await bench.clock.advance(60_000);
    await bench.engine.drain();
    const tried = saving.mock.calls.length;
    expect(bench.lines.filter((line) => line.includes('given up'))).toHaveLength(1);
    await bench.clock.advance(600_000);
    expect(saving).toHaveBeenCalledTimes(tried);
    saving.mockRestore();
  });
});
