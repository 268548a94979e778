import { describe, expect, it } from 'vitest';
import {
  grantRejected,
  openEngineBench,
  type EngineBench,
} from '../../test/support/engine-fixture.ts';
import { granted } from '../../test/support/fake-oauth-client.ts';
import { Secret } from '../runtime/secret.ts';

describe('a refresh token that a caller brings', () => {
  const bring = (bench: EngineBench, value: string) =>
    bench.engine.refreshByToken(new Secret('refresh_token', value));

  it('is refused in the caller’s terms when Klaviyo refuses it', async () => {
    await using bench = await openEngineBench();
    bench.oauth.answerRefresh(() => grantRejected);
    await expect(bring(bench, 'nobodys-token')).rejects.toMatchObject({
      code: 'refresh_token_rejected',
      status: 400,
    });
    await expect(bring(bench, 'refresh-token-of-AAA111')).rejects.toMatchObject({
      code: 'refresh_token_rejected',
    });
    expect(await bench.stored()).toMatchObject({ state: 'lost' });
  });

  it('is spent in the store’s name when the store holds it, current or previous', async () => {
    await using bench = await openEngineBench();
    bench.oauth.answerRefresh(() => granted({ refreshToken: 'r-2' }));
    const pair = await bring(bench, 'refresh-token-of-AAA111');
    expect(pair.refreshToken.reveal()).toBe('r-2');
    expect(await bench.stored()).toMatchObject({ generation: 2 });
    await bring(bench, 'refresh-token-of-AAA111');
    expect(bench.oauth.spent).toEqual(['refresh-token-of-AAA111', 'r-2']);
  });

  it('is passed on when nobody knows it, and nothing is stored', async () => {
    await using bench = await openEngineBench();
    bench.oauth.answerRefresh(() => granted({ accessToken: 'a-x', expiresInSec: undefined }));
    const pair = await bring(bench, 'somebodys-token');
    expect(pair.accessToken.reveal()).toBe('a-x');
    expect(pair.refreshToken.reveal()).toBe('somebodys-token');
    expect(pair).toMatchObject({ expiresAtMs: undefined, scope: '' });
    expect(await bench.stored()).toMatchObject({ generation: 1 });
  });
});
