import { describe, expect, it } from 'vitest';
import {
  engineGrantKey as key,
  grantRejected,
  openEngineBench,
  transientFailure,
  type EngineBench,
} from '../../test/support/engine-fixture.ts';
import { granted } from '../../test/support/fake-oauth-client.ts';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import { createLogger } from '../runtime/logger.ts';
import { createTokenEngine } from './token-engine.ts';
import { createSweeper, describeForecast, type SweeperOptions } from './sweeper.ts';

const hourMs = 3_600_000;

function sweeperOf(bench: EngineBench, options: Partial<SweeperOptions> = {}) {
  const { store, engine, clock, random } = bench;
  return createSweeper({
    ...{ store, tokens: engine, clientId: key.clientId, clock, random },
    logger: createLogger({ level: 'silent' }),
    ratePerSec: 1e6,
    ...options,
  });
}

async function grantsOf(bench: EngineBench, count: number) {
  const accounts = Array.from({ length: count }, (_each, index) => `SWP${100 + index}`);
  for (const account of accounts) await bench.grant(account);
  return accounts;
}

describe('a sweep', () => {
  it('claims until a whole millisecond at any rate, since PostgreSQL stores no others', async () => {
    await using bench = await openEngineBench();
    await bench.expire();
    bench.oauth.answerRefresh(() => granted());
    const { grants } = bench.store;
    const untilMs: number[] = [];
    const claimDue: typeof grants.claimDue = (request) => {
      untilMs.push(request.leaseExpiresAtMs);
      return grants.claimDue(request);
    };
    await sweeperOf(bench, {
      ratePerSec: 0.7,
      store: { ...bench.store, grants: { ...grants, claimDue } },
    }).sweep();
    expect(untilMs.length).toBeGreaterThan(0);
    expect(untilMs.filter((atMs) => !Number.isInteger(atMs))).toEqual([]);
  });

  it('goes on past accounts that fail, and tells how each ended', async () => {
    await using bench = await openEngineBench();
    await grantsOf(bench, 50);
    await bench.expire();
    let asked = 0;
    bench.oauth.answerRefresh(() => {
      asked += 1;
      if (asked % 10 === 0) return grantRejected;
      return asked % 10 === 5 ? transientFailure(503) : granted();
    });
    expect(await sweeperOf(bench).sweep()).toEqual({ refreshed: 41, lost: 5, failed: 5 });
    expect(bench.lost).toHaveLength(5);
    // What failed has its time; nothing is asked again before.
    expect(await sweeperOf(bench).sweep()).toEqual({ refreshed: 0, lost: 0, failed: 0 });
  });

  it('goes on past a row that does not open, and says whose it is', async () => {
    await using bench = await openEngineBench();
    await grantsOf(bench, 10);
    await bench.expire();
    const { grants } = bench.store;
    const error = new KeyshiftError('seal_invalid', 'grants.access_token of row "x" is damaged.');
    let told = false;
    const claimDue: typeof grants.claimDue = (request) => {
      if (!told) request.onUnreadable?.('BAD111', error);
      told = true;
      return grants.claimDue(request);
    };
    const lines: string[] = [];
    const logger = createLogger({
      level: 'error',
      destination: { write: (line) => lines.push(line) },
    });
    const store = { ...bench.store, grants: { ...grants, claimDue } };
    const sweeper = sweeperOf(bench, { store, logger });
    expect(await sweeper.sweep()).toEqual({ refreshed: 11, lost: 0, failed: 1 });
    expect(lines.filter((line) => line.includes('BAD111'))).toHaveLength(1);
  });

  it('does not wait for one account whose answer does not come', async () => {
    await using bench = await openEngineBench();
    await grantsOf(bench, 60);
    await bench.expire();
    const hung = Promise.withResolvers<ReturnType<typeof granted>>();
    let asked = 0;
    bench.oauth.answerRefresh(() => ((asked += 1) === 1 ? hung.promise : granted()));
    const sweep = sweeperOf(bench).sweep();
    await expect.poll(() => bench.oauth.spent.length).toBe(61);
    hung.resolve(granted());
    expect(await sweep).toMatchObject({ refreshed: 61 });
  });

  it('finishes what a process left undone that died with the lease, once the lease is over', async () => {
    await using bench = await openEngineBench();
    await bench.expire();
    const { id } = (await bench.stored())!;
    const nowMs = bench.clock.now();
    const lease = { generation: 1, owner: 'dead', nowMs, expiresAtMs: nowMs + 40_000 };
    await bench.store.grants.acquireLease(id, lease);
    expect(await sweeperOf(bench).sweep()).toMatchObject({ refreshed: 0 });
    await bench.clock.advance(40_000);
    expect(await sweeperOf(bench).sweep()).toMatchObject({ refreshed: 1 });
    expect(await bench.stored()).toMatchObject({ generation: 2 });
  });

  it('touches every grant within a day, also one whose token has no known end', async () => {
    await using bench = await openEngineBench();
    await bench.expire();
    bench.oauth.answerRefresh(() => granted({ expiresInSec: undefined }));
    await bench.engine.liveGrant(key);
    await bench.clock.advance(19 * hourMs);
    expect(await sweeperOf(bench).sweep()).toMatchObject({ refreshed: 0 });
    await bench.clock.advance(2 * hourMs);
    expect(await sweeperOf(bench).sweep()).toMatchObject({ refreshed: 1 });
  });

  it('shares the work with the sweepers of other processes: each grant is refreshed once', async () => {
    await using bench = await openEngineBench();
    await grantsOf(bench, 100);
    await bench.expire();
    const another = createTokenEngine({
      ...{ store: bench.store, oauth: bench.oauth, clock: bench.clock, random: bench.random },
      logger: createLogger({ level: 'silent' }),
    });
    const results = await Promise.all([
      sweeperOf(bench).sweep(),
      sweeperOf(bench, { tokens: another }).sweep(),
    ]);
    expect(results.reduce((sum, { refreshed }) => sum + refreshed, 0)).toBe(101);
    expect(new Set(bench.oauth.spent).size).toBe(101);
    expect(bench.oauth.spent).toHaveLength(101);
  });

  it('starts no more refreshes in a second than its rate', async () => {
    await using bench = await openEngineBench();
    await grantsOf(bench, 59);
    await bench.expire();
    const sweep = sweeperOf(bench, { ratePerSec: 10 }).sweep();
    let seconds = 0;
    for (; bench.oauth.spent.length < 60; seconds += 1) {
      expect(bench.oauth.spent.length).toBeLessThanOrEqual(10 * seconds + 1);
      await bench.clock.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(seconds).toBeGreaterThanOrEqual(6);
    await bench.clock.advance(60_000);
    expect(await sweep).toMatchObject({ refreshed: 60 });
  });

  it('keeps to its rate together with the sweepers of other processes', async () => {
    await using bench = await openEngineBench();
    await grantsOf(bench, 99);
    await bench.expire();
    const sweepers = Array.from({ length: 4 }, () => sweeperOf(bench, { ratePerSec: 10 }));
    const sweeps = Promise.all(sweepers.map((each) => each.sweep()));
    let seconds = 0;
    for (; bench.oauth.spent.length < 100; seconds += 1) {
      expect(bench.oauth.spent.length).toBeLessThanOrEqual(10 * seconds + 1);
      await bench.clock.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    // Turns follow each other without a gap worth speaking of.
    expect(seconds).toBeLessThanOrEqual(12);
    await bench.clock.advance(60_000);
    const results = await sweeps;
    expect(results.reduce((sum, { refreshed }) => sum + refreshed, 0)).toBe(100);
  });

  it('waits for its turn no longer than it is told to', async () => {
    await using bench = await openEngineBench();
    await bench.expire();
    const nowMs = bench.clock.now();
    const turn = { nowMs, untilMs: nowMs + 30_000, ignoreAfterMs: nowMs + 60_000 };
    await bench.store.sweepTurns.take(key.clientId, turn);
    const ending = new AbortController();
    const sweep = sweeperOf(bench).sweep(ending.signal);
    ending.abort();
    expect(await sweep).toEqual({ refreshed: 0, lost: 0, failed: 0 });
    const later = sweeperOf(bench).sweep();
    await bench.clock.advance(33_000);
    expect(await later).toMatchObject({ refreshed: 1 });
  });

  it('goes as fast as the forecast asks for', async () => {
    await using bench = await openEngineBench();
    await grantsOf(bench, 99);
    await bench.expire();
    const { store, engine: tokens, clock, random } = bench;
    // A hundred thousand tokens that live for an hour: a sixth of them in ten minutes.
    const forecast = async () => ({ grants: 100_000, due: 16_667 });
    const sweep = createSweeper({
      ...{ store: { ...store, grants: { ...store.grants, forecast } }, tokens, clock, random },
      clientId: key.clientId,
      logger: createLogger({ level: 'silent' }),
    }).sweep();
    let seconds = 0;
    for (; bench.oauth.spent.length < 100; seconds += 1) {
      expect(bench.oauth.spent.length).toBeLessThanOrEqual(35 * seconds + 1);
      await clock.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(seconds).toBeGreaterThanOrEqual(3);
    await clock.advance(60_000);
    expect(await sweep).toMatchObject({ refreshed: 100 });
  });

  it('ends between two grants when it is told to, and gives back what it has claimed', async () => {
    await using bench = await openEngineBench();
    await grantsOf(bench, 40);
    await bench.expire();
    const ending = new AbortController();
    bench.oauth.answerRefresh(() => {
      if (bench.oauth.spent.length === 5) ending.abort();
      return granted();
    });
    const { refreshed } = await sweeperOf(bench).sweep(ending.signal);
    expect(refreshed).toBeGreaterThanOrEqual(5);
    expect(refreshed).toBeLessThan(41);
    await bench.clock.advance(60_000);
    expect(await sweeperOf(bench).sweep()).toMatchObject({ refreshed: 41 - refreshed });
  });

  it('passes a defect on after what it has begun, and leaves nothing unhandled', async () => {
    await using bench = await openEngineBench();
    await grantsOf(bench, 10);
    await bench.expire();
    bench.oauth.answerRefresh(() => Promise.reject(new TypeError('a defect')));
    await expect(sweeperOf(bench).sweep()).rejects.toThrow('a defect');
  });
});

describe('the forecast line', () => {
  it('tells how many grants there are and what they ask for', () => {
    expect(describeForecast({ grants: 1_200, due: 600 }, 20)).toBe(
      '1200 grants, 0.167 refreshes/s in the coming hour',
    );
    expect(describeForecast({ grants: 10_000, due: 9_000 }, 20)).toBe(
      '10000 grants, 2.5 refreshes/s in the coming hour',
    );
  });

  it('says when one process is not enough for it', () => {
    expect(describeForecast({ grants: 100_000, due: 100_000 }, 20)).toMatch(
      /27\.8 refreshes\/s.*more than the 20\/s that all sweepers keep to/,
    );
  });
});
