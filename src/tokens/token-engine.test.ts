import { describe, expect, it, vi } from 'vitest';
import {
  engineGrantKey as key,
  grantRejected,
  openEngineBench,
  transientFailure,
} from '../../test/support/engine-fixture.ts';
import { granted } from '../../test/support/fake-oauth-client.ts';
import { tokenPair } from '../../test/support/workbench-fixture.ts';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { TokenOutcome } from '../oauth/token-outcome.ts';

describe('while the database is away', () => {
  const away = () => Promise.reject(new KeyshiftError('database_unavailable', 'Nothing listens.'));

  it('serves the token that was read last, for five minutes and no longer', async () => {
    await using bench = await openEngineBench();
    await bench.engine.liveGrant(key);
    const finding = vi.spyOn(bench.store.grants, 'find').mockImplementation(away);
    for (const seconds of [10, 100, 190]) {
      await bench.clock.advance(seconds * 1_000);
      expect(await bench.engine.liveGrant(key)).toMatchObject({ generation: 1 });
    }
    await bench.clock.advance(1_000);
    await expect(bench.engine.liveGrant(key)).rejects.toMatchObject({
      code: 'database_unavailable',
    });
    finding.mockRestore();
    expect(await bench.engine.liveGrant(key)).toMatchObject({ generation: 1 });
    expect(bench.oauth.spent).toEqual([]);
  });

  it('serves no token that has run out, and none after another failure', async () => {
    await using bench = await openEngineBench();
    await bench.clock.advance(3_600_000 - 200_000);
    await bench.engine.liveGrant(key);
    const finding = vi.spyOn(bench.store.grants, 'find').mockImplementation(away);
    await bench.clock.advance(200_000);
    await expect(bench.engine.liveGrant(key)).rejects.toMatchObject({
      code: 'database_unavailable',
    });
    finding.mockRejectedValue(new KeyshiftError('internal', 'Another thing.'));
    await expect(bench.engine.liveGrant(key)).rejects.toMatchObject({ code: 'internal' });
  });
});

describe('while the database hangs', () => {
  it('serves the token in memory after a moment, and reads once behind all callers', async () => {
    await using bench = await openEngineBench();
    const stored = await bench.engine.liveGrant(key);
    let answer: () => void = () => undefined;
    const finding = vi
      .spyOn(bench.store.grants, 'find')
      .mockReturnValue(new Promise((resolve) => (answer = () => resolve(stored))));
    await bench.clock.advance(6_000);
    const served = Array.from({ length: 300 }, () => bench.engine.liveGrant(key));
    await bench.clock.advance(250);
    expect(new Set(await Promise.all(served))).toEqual(new Set([stored]));
    expect(finding).toHaveBeenCalledTimes(1);
    answer();
    await bench.engine.drain();
  });

  it('keeps the pair of a refresh when an older read comes late', async () => {
    await using bench = await openEngineBench();
    const stored = await bench.engine.liveGrant(key);
    await bench.clock.advance(6_000);
    let answer: () => void = () => undefined;
    vi.spyOn(bench.store.grants, 'find').mockReturnValueOnce(
      new Promise((resolve) => (answer = () => resolve(stored))),
    );
    const served = bench.engine.liveGrant(key);
    const refreshed = await bench.engine.afterUnauthorized(key, stored.generation);
    expect(refreshed.generation).toBe(2);
    answer();
    await served;
    expect((await bench.engine.liveGrant(key)).generation).toBe(2);
  });
});

describe('a grant that is alive', () => {
  it('is answered as it is while its token is fresh', async () => {
    await using bench = await openEngineBench();
    await bench.clock.advance(3_600_000 - 121_000);
    expect((await bench.engine.liveGrant(key)).generation).toBe(1);
    expect(bench.oauth.spent).toEqual([]);
  });

  it('is refreshed before its token runs out, and the pair is saved whole', async () => {
    await using bench = await openEngineBench();
    await bench.clock.advance(3_600_000 - 119_000);
    bench.oauth.answerRefresh(() =>
      granted({ accessToken: 'a-2', refreshToken: 'r-2', expiresInSec: 600, scope: 'lists:read' }),
    );
    const served = await bench.engine.liveGrant(key);
    expect(served.accessToken.reveal()).toBe('access-token-of-AAA111');
    await bench.engine.drain();
    const grant = await bench.engine.liveGrant(key);
    const stored = await bench.stored();
    for (const each of [grant, stored]) {
      expect(each?.accessToken.reveal()).toBe('a-2');
      expect(each?.refreshToken.reveal()).toBe('r-2');
      expect(each).toMatchObject({
        generation: 2,
        scope: 'lists:read',
        expiresAtMs: bench.clock.now() + 600_000,
        obtainedAtMs: bench.clock.now(),
      });
    }
  });

  it('keeps refresh token and scope where the answer omits them', async () => {
    await using bench = await openEngineBench();
    await bench.expire();
    bench.oauth.answerRefresh(() => granted({ accessToken: 'a-2' }));
    await bench.engine.liveGrant(key);
    expect((await bench.stored())?.refreshToken.reveal()).toBe('refresh-token-of-AAA111');
    expect(await bench.stored()).toMatchObject({ scope: 'accounts:read profiles:read' });
  });

  it('is used until Klaviyo refuses it when its lifetime is not known', async () => {
    await using bench = await openEngineBench();
    await bench.expire();
    bench.oauth.answerRefresh(() => granted({ expiresInSec: undefined }));
    await bench.engine.liveGrant(key);
    await bench.clock.advance(30 * 86_400_000);
    expect(await bench.engine.liveGrant(key)).toMatchObject({ expiresAtMs: undefined });
    expect(bench.oauth.spent).toHaveLength(1);
    expect(await bench.engine.afterUnauthorized(key, 2)).toMatchObject({ generation: 3 });
  });

  it.each([3_600.1234, 1e15])(
    'has a time of expiry that a database holds: %d seconds',
    async (s) => {
      await using bench = await openEngineBench();
      await bench.expire();
      bench.oauth.answerRefresh(() => granted({ expiresInSec: s }));
      const grant = await bench.engine.liveGrant(key);
      const { expiresAtMs } = grant;
      expect(expiresAtMs === undefined || Number.isSafeInteger(expiresAtMs)).toBe(true);
      expect(await bench.stored()).toMatchObject({ expiresAtMs: grant.expiresAtMs });
    },
  );

  it('is refreshed once for fifty callers, who all get the same token', async () => {
    await using bench = await openEngineBench();
    await bench.expire();
    let answer: (outcome: TokenOutcome) => void = () => undefined;
    bench.oauth.answerRefresh(() => new Promise((resolve) => (answer = resolve)));
    const callers = Array.from({ length: 50 }, (_each, index) =>
      index % 2 === 0 ? bench.engine.liveGrant(key) : bench.engine.afterUnauthorized(key, 1),
    );
    await expect.poll(() => bench.oauth.spent.length).toBe(1);
    answer(granted({ accessToken: 'a-2', refreshToken: 'r-2' }));
    const grants = await Promise.all(callers);
    expect(new Set(grants.map(({ accessToken }) => accessToken.reveal()))).toEqual(
      new Set(['a-2']),
    );
    expect(bench.oauth.spent).toEqual(['refresh-token-of-AAA111']);
  });

  it('fails once for fifty callers, and the next one may try again', async () => {
    await using bench = await openEngineBench();
    await bench.expire();
    bench.oauth.answerRefresh(() => transientFailure(503));
    const callers = Array.from({ length: 50 }, () => bench.engine.liveGrant(key));
    const settled = Promise.allSettled(callers);
    for (let seconds = 0; seconds < 60; seconds += 1) await bench.clock.advance(1_000);
    const outcomes = await settled;
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
    // One after another, with growing pauses, for all fifty together.
    expect(bench.oauth.spent.length).toBeLessThanOrEqual(3);
    bench.oauth.answerRefresh(() => granted());
    await bench.clock.advance(10 * 60_000);
    await expect(bench.engine.liveGrant(key)).resolves.toMatchObject({ generation: 2 });
  });

  it('does not make one account wait for another', async () => {
    await using bench = await openEngineBench();
    await bench.grant('BBB222');
    await bench.expire();
    let release: (outcome: TokenOutcome) => void = () => undefined;
    bench.oauth.answerRefresh(() => new Promise((resolve) => (release = resolve)));
    const hung = bench.engine.liveGrant(key);
    await expect.poll(() => bench.oauth.spent.length).toBe(1);
    bench.oauth.answerRefresh(() => granted());
    await expect(bench.engine.liveGrant({ ...key, accountId: 'BBB222' })).resolves.toBeDefined();
    release(granted());
    await hung;
  });
});

describe('a token that Klaviyo refused', () => {
  it('is replaced by the newer one that is stored, without a refresh', async () => {
    await using bench = await openEngineBench();
    const { id } = (await bench.stored())!;
    await bench.store.grants.saveRefreshed(id, 1, tokenPair('second', bench.clock.now()));
    const grant = await bench.engine.afterUnauthorized(key, 1);
    expect(grant.accessToken.reveal()).toBe('access-token-of-second');
    expect(bench.oauth.spent).toEqual([]);
  });

  it('is refreshed although the clock calls it fresh', async () => {
    await using bench = await openEngineBench();
    expect(await bench.engine.afterUnauthorized(key, 1)).toMatchObject({ generation: 2 });
    expect(bench.oauth.spent).toEqual(['refresh-token-of-AAA111']);
  });

  it('gives way to a pair that someone else saved during the refresh', async () => {
    await using bench = await openEngineBench();
    const other = tokenPair('other-process', bench.clock.now());
    bench.oauth.answerRefresh(async () => {
      await bench.store.grants.saveConsent({ ...key, id: 'another' }, other);
      return grantRejected;
    });
    const settled = bench.engine.afterUnauthorized(key, 1);
    await expect.poll(() => bench.oauth.spent.length).toBe(1);
    for (let rounds = 0; rounds < 20; rounds += 1) await bench.clock.advance(100);
    const grant = await settled;
    expect(grant.accessToken.reveal()).toBe('access-token-of-other-process');
    expect(await bench.stored()).toMatchObject({ state: 'active', generation: 2 });
    expect(bench.lost).toEqual([]);
  });
});

describe('drain', () => {
  it('waits for a refresh that is on the wire, also when nobody else does', async () => {
    await using bench = await openEngineBench();
    await bench.expire();
    let answer: (outcome: TokenOutcome) => void = () => undefined;
    bench.oauth.answerRefresh(() => new Promise((resolve) => (answer = resolve)));
    void bench.engine.liveGrant(key);
    await expect.poll(() => bench.oauth.spent.length).toBe(1);
    const drained = bench.engine.drain();
    answer(granted());
    await drained;
    expect(await bench.stored()).toMatchObject({ generation: 2 });
  });
});
