import { describe, expect, it } from 'vitest';
import { startTestSandbox } from '../../../test/support/sandbox-client.ts';

describe('refreshLimitPerMinute', () => {
  it('refuses the refresh too many with 429 and Retry-After, and does not spend its token', async () => {
    await using test = await startTestSandbox({ refreshLimitPerMinute: 2, rotation: 'rotate' });
    const first = await test.install();
    const second = await test.refresh(first.refresh_token);
    await test.clock.advance(20_000);
    const third = await test.refresh(second.text('refresh_token'));
    const refused = await test.refresh(third.text('refresh_token'));
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('40');
    expect(refused.at('error')).toBe('throttled');
    expect(test.sandbox.statistics().byOperation['oauth_refresh']).toEqual({ 200: 2, 429: 1 });
    await test.clock.advance(40_000);
    expect((await test.refresh(third.text('refresh_token'))).status).toBe(200);
  });

  it('counts every install for itself, and a token that nobody knows for none', async () => {
    await using test = await startTestSandbox({ refreshLimitPerMinute: 1 });
    const [one, other] = [await test.install('AAA111'), await test.install('BBB222')];
    expect((await test.refresh('nobodys-token')).status).toBe(400);
    expect((await test.refresh(one.refresh_token)).status).toBe(200);
    expect((await test.refresh(one.refresh_token)).status).toBe(429);
    expect((await test.refresh(other.refresh_token)).status).toBe(200);
  });

  it('is off unless asked for', async () => {
    await using test = await startTestSandbox();
    const { refresh_token } = await test.install();
    for (let calls = 0; calls < 15; calls += 1) {
      expect((await test.refresh(refresh_token)).status).toBe(200);
    }
  });
});
