import { describe, expect, it } from 'vitest';
import { send } from '../support/answer.ts';
import { createCollectingLogger } from '../support/collecting-logger.ts';
import { startFlow, type FlowFixture, type FlowOptions } from '../support/flow-fixture.ts';
import { keyOf, migrateToLive } from '../support/migration-steps.ts';

const behindProxy = { environment: { TRUSTED_PROXIES: 'loopback' } } satisfies FlowOptions;

/** The answer's status to a call with a key that nobody has, as a proxy would bring it. */
async function guess(flow: FlowFixture, forwardedFor: string, number: number): Promise<number> {
  const key = `pk_${String(number).padStart(34, '9')}`;
  const headers = { authorization: `Klaviyo-API-Key ${key}`, 'x-forwarded-for': forwardedFor };
  return (await send(`${flow.url}/api/profiles`, { headers })).status;
}

async function guesses(flow: FlowFixture, forwardedFor: (at: number) => string): Promise<number[]> {
  const statuses: number[] = [];
  for (let at = 0; at < 35; at += 1) statuses.push(await guess(flow, forwardedFor(at), at));
  return statuses;
}

describe('behind a proxy that is trusted', () => {
  it('each client has guesses of its own', async () => {
    await using flow = await startFlow(behindProxy);
    expect(await guesses(flow, () => '203.0.113.9')).toContain(429);
    expect(await guess(flow, '203.0.113.10', 1)).toBe(401);
  });

  it('a client has no more guesses by inventing addresses', async () => {
    await using flow = await startFlow(behindProxy);
    expect(await guesses(flow, (at) => `6.6.6.${at}, 203.0.113.9:${40_000 + at}`)).toContain(429);
  });

  it('who still sends an old key is named by its own address and its proxy’s', async () => {
    await using flow = await startFlow(behindProxy);
    expect(await straySources(flow)).toEqual([
      expect.stringMatching(/^203\.0\.113\.9 via (127\.0\.0\.1|::1)$/),
    ]);
  });
});

describe('without TRUSTED_PROXIES', () => {
  it('a client has no more guesses by inventing addresses', async () => {
    await using flow = await startFlow();
    expect(await guesses(flow, (at) => `203.0.113.${at}`)).toContain(429);
  });

  it('who still sends an old key cannot put the blame on another address', async () => {
    await using flow = await startFlow();
    expect(await straySources(flow)).toEqual([expect.stringMatching(/^(127\.0\.0\.1|::1)$/)]);
  });

  it('the log names the setting, once', async () => {
    const { logger, lines } = createCollectingLogger();
    await using flow = await startFlow({ logger });
    for (let at = 0; at < 3; at += 1) await guess(flow, '203.0.113.9', at);
    expect(lines.scrubbed.filter((line) => line.includes('TRUSTED_PROXIES'))).toHaveLength(1);
  });
});

async function straySources(flow: FlowFixture): Promise<string[]> {
  await migrateToLive(flow, 'acme', 0);
  const headers = {
    authorization: `Klaviyo-API-Key ${keyOf(flow, 0)}`,
    'x-forwarded-for': '6.6.6.6, 203.0.113.9',
  };
  expect((await send(`${flow.url}/api/profiles`, { headers })).status).toBe(200);
  await flow.keyshift.traffic.writeBehind.flush();
  return (await flow.keyshift.store.keySightings.list(0)).map(({ source }) => source);
}
