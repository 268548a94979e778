import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { send } from '../support/answer.ts';
import { startFlow, type FlowFixture } from '../support/flow-fixture.ts';
import { jsonAnswer, startLoopbackServer } from '../support/loopback-server.ts';
import { importAndCheck, keyOf } from '../support/migration-steps.ts';

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

const found = {
  data: [{ type: 'account', id: 'AbC123', attributes: { contact_information: {} } }],
};

/** Klaviyo with an endpoint that never answers, and two customers. */
async function startNeighbours() {
  const api = await startLoopbackServer((response, request) => {
    if (request.path.startsWith('/api/accounts')) {
      const id = request.headers.authorization?.slice(-6) ?? '';
      jsonAnswer(200, { data: [{ ...found.data[0], id }] })(response, request);
    } else if (!request.path.startsWith('/api/slow')) {
      jsonAnswer(200, found)(response, request);
    }
  });
  const fixture = await startFlow({ environment: { KLAVIYO_API_URL: api.url } });
  await importAndCheck(fixture, [
    { customerId: 'greedy', key: keyOf(fixture, 0) },
    { customerId: 'modest', key: keyOf(fixture, 1) },
  ]);
  return {
    fixture,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.splice(0)) socket.destroy();
      await fixture[Symbol.asyncDispose]();
      await api[Symbol.asyncDispose]();
    },
  };
}

/** Opens calls of the greedy customer, and writes no more than this. */
async function open(fixture: FlowFixture, count: number, ...lines: string[]): Promise<void> {
  const head = [
    ...lines,
    `Host: localhost:${fixture.port}`,
    `Authorization: Klaviyo-API-Key ${keyOf(fixture, 0)}`,
    '',
    '',
  ].join('\r\n');
  for (let at = 0; at < count; at += 1) {
    const socket = connect(fixture.port, 'localhost');
    socket.on('error', () => undefined);
    socket.write(head + (head.includes('POST') ? 'x'.repeat(10) : ''));
    socket.pause();
    sockets.push(socket);
  }
  await new Promise((resolve) => setTimeout(resolve, 500));
}

/** The neighbour is served. */
async function expectServed(fixture: FlowFixture): Promise<void> {
  const headers = { authorization: `Klaviyo-API-Key ${keyOf(fixture, 1)}` };
  const startedMs = performance.now();
  const read = await send(`${fixture.url}/api/profiles`, { headers });
  expect(read.status).toBe(200);
  const written = await send(`${fixture.url}/api/events`, { method: 'POST', headers, body: '{}' });
  expect(written.status).toBe(200);
  const uploaded = await send(`${fixture.url}/api/x`, {
    method: 'POST',
    headers,
    body: 'x'.repeat(300 * 1024),
  });
  expect(uploaded.status).toBe(200);
  expect(performance.now() - startedMs).toBeLessThan(8_000);
}

describe('the calls of other customers', () => {
  it.each([
    ['small bodies', ['Content-Length: 200']],
    ['bodies as large as are held', ['Content-Length: 262144']],
    ['large bodies', ['Content-Length: 1000000']],
    ['bodies of unknown length', ['Transfer-Encoding: chunked']],
  ])('are served while one trickles 500 uploads: %s', async (_, headers) => {
    await using neighbours = await startNeighbours();
    const { fixture } = neighbours;
    await open(fixture, 500, 'POST /api/x HTTP/1.1', ...headers);
    await expectServed(fixture);
  });

  it('are served while one calls a slow endpoint 300 times', async () => {
    await using neighbours = await startNeighbours();
    const { fixture } = neighbours;
    await open(fixture, 300, 'GET /api/slow HTTP/1.1');
    await expectServed(fixture);
  });
});

describe('the calls of a customer beyond its share', () => {
  it('are told so after ten seconds of waiting, and when to come again', async () => {
    await using neighbours = await startNeighbours();
    const { fixture } = neighbours;
    await open(fixture, 300, 'GET /api/slow HTTP/1.1');
    const headers = { authorization: `Klaviyo-API-Key ${keyOf(fixture, 0)}` };
    const startedMs = performance.now();
    const answer = await send(`${fixture.url}/api/profiles`, { headers });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('keyshift-error')).toBe('proxy_busy');
    expect(answer.headers.get('retry-after')).toBe('1');
    const tookMs = performance.now() - startedMs;
    expect(tookMs).toBeGreaterThan(8_000);
    expect(tookMs).toBeLessThan(12_000);
  }, 20_000);
});
