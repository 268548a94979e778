import type { KeyshiftError } from '../errors/keyshift-error.ts';
import { describe, expect, it } from 'vitest';
import {
  engineGrantKey as key,
  grantRejected,
  openEngineBench,
  transientFailure,
} from '../../test/support/engine-fixture.ts';
import { granted } from '../../test/support/fake-oauth-client.ts';
import type { TokenOutcome } from '../oauth/token-outcome.ts';

describe('a grant that cannot be refreshed', () => {
  it('is not found when the account never consented', async () => {
    await using bench = await openEngineBench();
    const unknown = { ...key, accountId: 'ZZZ999' };
    await expect(bench.engine.liveGrant(unknown)).rejects.toMatchObject({
      code: 'grant_not_found',
    });
    await expect(bench.engine.afterUnauthorized(unknown, 1)).rejects.toMatchObject({
      code: 'grant_not_found',
    });
  });

  it('is lost when Klaviyo says so, told once, and not asked about again', async () => {
    await using bench = await openEngineBench();
    await bench.expire();
    bench.oauth.answerRefresh(() => grantRejected);
    await expect(bench.engine.liveGrant(key)).rejects.toMatchObject({ code: 'grant_lost' });
    await expect(bench.engine.liveGrant(key)).rejects.toMatchObject({ code: 'grant_lost' });
    expect(bench.lost.map(({ accountId }) => accountId)).toEqual(['AAA111']);
    expect(bench.oauth.spent).toHaveLength(1);
    expect(await bench.stored()).toMatchObject({ state: 'lost' });
  });

  it.each<[string, TokenOutcome, string]>([
    ['429', transientFailure(429, 7), 'upstream_throttled'],
    ['500', transientFailure(500), 'upstream_unreadable'],
    ['502', transientFailure(502), 'upstream_unreachable'],
    ['503', transientFailure(503), 'upstream_unavailable'],
    ['504', transientFailure(504), 'upstream_timeout'],
    [
      'HTML',
      { ...transientFailure(403), reason: 'status 403' } as TokenOutcome,
      'upstream_unreadable',
    ],
    [
      'an error that nobody knows',
      { kind: 'request_rejected', error: 'server_is_sad', description: '' },
      'upstream_unreadable',
    ],
    [
      'refused client credentials',
      { kind: 'client_rejected', error: 'invalid_client', description: '' },
      'client_rejected',
    ],
  ])('is kept whole through %s, and refreshed when that is over', async (_name, outcome, code) => {
    await using bench = await openEngineBench();
    await bench.expire();
    bench.oauth.answerRefresh(() => outcome);
    // A caller without a living token rides out short failures, so that time has to pass.
    const settled = bench.engine.liveGrant(key).catch((error: unknown) => error);
    for (let seconds = 0; seconds < 60; seconds += 1) await bench.clock.advance(1_000);
    const failure = await settled;
    expect(failure).toMatchObject({ name: 'KeyshiftError', code });
    const asked = 'retryAfterSec' in outcome ? (outcome.retryAfterSec ?? 0) : 0;
    expect((failure as KeyshiftError).retryAfterSec).toBeGreaterThanOrEqual(asked);
    expect(await bench.stored()).toMatchObject({ state: 'active', generation: 1 });
    expect((await bench.stored())?.refreshToken.reveal()).toBe('refresh-token-of-AAA111');
    expect(bench.lost).toEqual([]);
    bench.oauth.answerRefresh(() => granted({ accessToken: 'access-again' }));
    await bench.clock.advance(10 * 60_000);
    const grant = await bench.engine.liveGrant(key);
    expect(grant.accessToken.reveal()).toBe('access-again');
  });

  it.each<[string, TokenOutcome]>([
    ['an outage of the token endpoint', transientFailure(503)],
    ['wrong client credentials', { kind: 'client_rejected', error: 'x', description: '' }],
  ])('goes on serving a token that is still valid through %s', async (_name, outcome) => {
    await using bench = await openEngineBench();
    await bench.clock.advance(3_600_000 - 60_000);
    bench.oauth.answerRefresh(() => outcome);
    const grant = await bench.engine.liveGrant(key);
    expect(grant.accessToken.reveal()).toBe('access-token-of-AAA111');
  });

  it('never shows a token in what it throws or logs', async () => {
    await using bench = await openEngineBench();
    await bench.expire();
    bench.oauth.answerRefresh(() => grantRejected);
    const error: unknown = await bench.engine.liveGrant(key).catch((failure: unknown) => failure);
    const printed = JSON.stringify(error) + String(error) + bench.lines.join('');
    expect(printed).toContain('AAA111');
    expect(printed).not.toMatch(/token-of-AAA111/);
  });
});
