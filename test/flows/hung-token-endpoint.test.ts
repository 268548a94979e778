import { describe, expect, it } from 'vitest';
import { post, send, tokensOf } from '../support/answer.ts';
import { startFlow, type FlowFixture } from '../support/flow-fixture.ts';
import { accountOf, keyOf, migrateToVerified } from '../support/migration-steps.ts';

const quickMs = 2_000;

async function expectQuick(url: string, headers: Record<string, string> = {}) {
  const { pathname } = new URL(url);
  const quickly = AbortSignal.timeout(quickMs);
  const answer = await send(url, { headers, signal: quickly }).catch(() => undefined);
  expect([pathname, answer?.status]).toEqual([pathname, pathname === '/auth/start' ? 302 : 200]);
}

/** Starts refreshes of different tokens, which hang at Klaviyo, and waits until all are sent. */
async function hangRefreshes({ url, sandbox, calls }: FlowFixture, count: number) {
  sandbox.addFault({ kind: 'delay', delayMs: 60_000, match: { path: '/oauth/token' } });
  const before = calls.length;
  let answered = 0;
  const refreshes = Array.from({ length: count }, async (_, index) => {
    await post(`${url}/auth/refresh`, { refresh_token: `token-${index}` }).catch(() => undefined);
    answered += 1;
  });
  while (calls.length < before + count) await new Promise((resolve) => setTimeout(resolve, 10));
  return { answered: () => answered, ended: Promise.all(refreshes) };
}

describe('while the token endpoint hangs', () => {
  it.each([1, 20, 200])('%i refreshes under way hold nobody else up', async (count) => {
    await using fixture = await startFlow();
    const account = accountOf(fixture, 0);
    const tokens = tokensOf(
      await fixture.newBrowser().signIn(`${fixture.url}/auth/start`, { account }),
    );
    await migrateToVerified(fixture, 'acme', 1);
    const hanging = await hangRefreshes(fixture, count);
    try {
      await expectQuick(`${fixture.url}/healthz`);
      await expectQuick(`${fixture.url}/readyz`);
      await expectQuick(`${fixture.url}/auth/start`);
      await expectQuick(`${fixture.url}/whoami`, {
        authorization: `Bearer ${tokens.access_token}`,
      });
      await expectQuick(`${fixture.url}/api/profiles`, {
        authorization: `Klaviyo-API-Key ${keyOf(fixture, 1)}`,
      });
      expect(hanging.answered()).toBe(0);
    } finally {
      // Breaks what hangs, so that closing does not wait for its deadline.
      await fixture.sandbox.close();
      await hanging.ended;
    }
  });
});
