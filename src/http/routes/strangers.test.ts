import { describe, expect, it, vi } from 'vitest';
import { errorOf, send } from '../../../test/support/answer.ts';
import { importAndCheck, invite, keyOf } from '../../../test/support/migration-steps.ts';
import { startFlow, type FlowFixture } from '../../../test/support/flow-fixture.ts';

const metricsToken = 'the-metrics-token-0123456789';

const scrape = ({ url }: FlowFixture, token?: string) =>
  send(
    `${url}/metrics`,
    token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
  );

describe('GET /metrics', () => {
  it('answers figures for Prometheus, and counts once for scrapes of the same ten seconds', async () => {
    await using flow = await startFlow();
    const count = vi.spyOn(flow.keyshift.store.connections, 'countByStage');
    const scrapes = await Promise.all(Array.from({ length: 30 }, () => scrape(flow)));
    for (const { status, headers, body } of scrapes) {
      expect(status).toBe(200);
      expect(headers.get('content-type')).toContain('text/plain');
      expect(body).toContain('# TYPE keyshift_connections gauge');
      expect(body).toContain('# TYPE keyshift_refreshes_total counter');
    }
    expect(count).toHaveBeenCalledTimes(1);
    flow.clock.skip(10_000);
    await scrape(flow);
    expect(count).toHaveBeenCalledTimes(2);
  });

  it('counts again after it could not', async () => {
    await using flow = await startFlow();
    const count = vi.spyOn(flow.keyshift.store.connections, 'countByStage');
    count.mockRejectedValueOnce(new Error('the disk is gone'));
    expect((await scrape(flow)).status).toBe(500);
    expect((await scrape(flow)).status).toBe(200);
  });

  it('is closed in production, but for its own token and for services', async () => {
    const environment = { KEYSHIFT_METRICS_TOKEN: metricsToken };
    await using flow = await startFlow({ mode: 'production', environment });
    for (const token of [undefined, 'wrong', `${metricsToken}x`]) {
      const answer = await scrape(flow, token);
      expect([answer.status, errorOf(answer).error]).toEqual([401, 'unauthenticated']);
      expect(answer.body).not.toContain('keyshift_connections');
    }
    for (const token of [metricsToken, flow.secrets.serviceToken]) {
      expect((await scrape(flow, token)).status).toBe(200);
    }
    const refresh = await send(`${flow.url}/auth/refresh`, {
      method: 'POST',
      headers: { authorization: `Bearer ${metricsToken}`, 'content-type': 'application/json' },
      body: '{"refresh_token":"x"}',
    });
    expect(refresh.status, 'the token opens nothing else').toBe(401);
  });

  it('is closed in production without a token of its own, and in development with one', async () => {
    await using closed = await startFlow({ mode: 'production' });
    expect((await scrape(closed)).status).toBe(401);
    const environment = { KEYSHIFT_METRICS_TOKEN: metricsToken };
    await using open = await startFlow({ environment });
    expect((await scrape(open)).status).toBe(401);
    expect((await scrape(open, metricsToken)).status).toBe(200);
  });
});

describe('GET /readyz', () => {
  it('asks the database once for whoever asks within a second', async () => {
    await using flow = await startFlow();
    const ping = vi.spyOn(flow.keyshift.store, 'ping');
    await Promise.all(Array.from({ length: 30 }, () => send(`${flow.url}/readyz`)));
    expect(ping).toHaveBeenCalledTimes(1);
    flow.clock.skip(1_000);
    await send(`${flow.url}/readyz`);
    expect(ping).toHaveBeenCalledTimes(2);
  });
});

describe('who guesses links', () => {
  it('gets 429 after thirty, and who has one sees its page', async () => {
    await using flow = await startFlow({ mode: 'production' });
    await importAndCheck(flow, [{ customerId: 'acme', key: keyOf(flow, 0) }]);
    const link = await invite(flow, 'acme');
    const headers = { accept: 'text/html' };
    const statuses: number[] = [];
    for (let at = 0; at < 32; at += 1) {
      const path = ['', '/start', '/administrator', '/unsubscribe/x'][at % 4];
      statuses.push((await send(`${flow.url}/connect/guess-${at}${path}`, { headers })).status);
    }
    expect(statuses).toEqual([...Array<number>(30).fill(404), 429, 429]);
    const page = await send(link, { headers });
    expect(page.status).toBe(200);
  });
});

describe('who guesses service tokens', () => {
  it('gets 429 after thirty, and who has one is never refused', async () => {
    await using flow = await startFlow({ mode: 'production' });
    const disconnect = (token: string) =>
      send(`${flow.url}/auth/disconnect`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: '{"customer":"nobody"}',
      });
    const statuses: number[] = [];
    for (let at = 0; at < 32; at += 1) statuses.push((await disconnect(`guess-${at}`)).status);
    expect(statuses).toEqual([...Array<number>(30).fill(401), 429, 429]);
    expect((await scrape(flow, 'guess')).status, 'on every route').toBe(429);
    expect((await disconnect(flow.secrets.serviceToken)).status).toBe(404);
    expect((await scrape(flow, flow.secrets.serviceToken)).status).toBe(200);
  });
});
