import { once } from 'node:events';
import { createServer } from 'node:net';
import { inspect } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { startLoopbackServer } from '../../test/support/loopback-server.ts';
import { isKeyshiftError } from '../errors/keyshift-error.ts';
import { createHttpClient } from './http-client.ts';

const http = createHttpClient({ maxReplyBytes: 10_000 });
afterAll(() => http.close());

const get = (url: string, deadlineMs = 5_000) => http.send({ method: 'GET', url, deadlineMs });

describe('the HTTP client', () => {
  it('gives up at the deadline on a server that never answers', async () => {
    await using server = await startLoopbackServer(() => undefined);
    const startMs = performance.now();
    await expect(get(`${server.url}/slow`, 150)).rejects.toMatchObject({
      code: 'upstream_timeout',
      message: expect.stringContaining('150 ms') as string,
    });
    expect(performance.now() - startMs).toBeLessThan(1_500);
  });

  it('holds the deadline while the body stalls', async () => {
    await using server = await startLoopbackServer((response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half');
    });
    await expect(get(server.url, 150)).rejects.toMatchObject({ code: 'upstream_timeout' });
  });

  it('calls a server that hangs up without a word unreachable', async () => {
    await using server = await startLoopbackServer((response) => response.destroy());
    await expect(get(server.url)).rejects.toMatchObject({ code: 'upstream_unreachable' });
  });

  it('calls a port where nobody listens unreachable', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as { port: number };
    closed.close();
    await expect(get(`http://127.0.0.1:${port}/`)).rejects.toMatchObject({
      code: 'upstream_unreachable',
      message: expect.stringContaining('ECONNREFUSED') as string,
    });
  });

  it.each([
    ['with a length', { 'content-length': '100' }],
    ['in chunks', { 'transfer-encoding': 'chunked' }],
  ])('calls an answer that breaks off %s unreadable', async (_name, headers) => {
    await using server = await startLoopbackServer((response) => {
      response.writeHead(200, headers);
      response.write('half');
      setTimeout(() => response.destroy(), 20);
    });
    await expect(get(server.url)).rejects.toMatchObject({ code: 'upstream_unreadable' });
  });

  it('reads no more than it may of a huge body', async () => {
    let sent = 0;
    await using server = await startLoopbackServer((response) => {
      const chunk = Buffer.alloc(64 * 1024, 'x');
      const push = () => {
        while (sent < 200 * 2 ** 20 && !response.destroyed) {
          sent += chunk.length;
          if (!response.write(chunk)) return void response.once('drain', push);
        }
      };
      push();
    });
    await expect(get(server.url)).rejects.toMatchObject({
      code: 'upstream_unreadable',
      message: expect.stringContaining('10000 bytes') as string,
    });
    expect(sent).toBeLessThan(100 * 2 ** 20);
  });

  it('takes a body that is exactly as large as it may be', async () => {
    await using server = await startLoopbackServer((response) => response.end('x'.repeat(10_000)));
    expect((await get(server.url)).body).toHaveLength(10_000);
  });

  it('rejects with the caller’s own reason when the caller ends the call', async () => {
    await using server = await startLoopbackServer(() => undefined);
    const abort = new AbortController();
    const reason = new Error('the caller left');
    const sent = http.send({
      ...{ method: 'GET', url: server.url, deadlineMs: 5_000, signal: abort.signal },
    });
    setTimeout(() => abort.abort(reason), 30);
    await expect(sent).rejects.toBe(reason);
  });

  it('sends nothing when the caller left before', async () => {
    await using server = await startLoopbackServer((response) => response.end());
    const reason = new Error('the caller left');
    const signal = AbortSignal.abort(reason);
    await expect(
      http.send({ method: 'GET', url: server.url, deadlineMs: 5_000, signal }),
    ).rejects.toBe(reason);
    expect(server.received).toEqual([]);
  });

  it('does not follow a redirect, so that credentials stay with the host they are for', async () => {
    await using server = await startLoopbackServer((response) => {
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    const reply = await get(`${server.url}/here`);
    expect(reply.status).toBe(302);
    expect(reply.headers['location']).toBe('/elsewhere');
    expect(server.received.map(({ path }) => path)).toEqual(['/here']);
  });

  it('names host and path in its errors, and shows neither query nor credentials', async () => {
    await using server = await startLoopbackServer((response) => response.destroy());
    const error: unknown = await http
      .send({
        method: 'POST',
        url: `${server.url}/oauth/token?code=a-code-that-is-secret`,
        headers: { authorization: 'Basic YXBwOnNlY3JldC1vZi10aGUtYXBw' },
        body: 'refresh_token=a-refresh-token-that-is-secret',
        deadlineMs: 5_000,
      })
      .catch((failure: unknown) => failure);
    expect(isKeyshiftError(error, 'upstream_unreachable')).toBe(true);
    expect((error as Error).message).toContain(`${new URL(server.url).host}/oauth/token`);
    const printed = inspect(error, { depth: Infinity, showHidden: true }) + JSON.stringify(error);
    expect(printed).not.toMatch(/that-is-secret|YXBwOn/);
  });

  it('sends method, headers and body, and reads status, headers and text', async () => {
    await using server = await startLoopbackServer((response) => {
      response.setHeader('X-Twice', ['one', 'two']);
      response.statusCode = 418;
      // The check mark arrives in two pieces.
      const bytes = Buffer.from('tea ✓');
      response.write(bytes.subarray(0, 5));
      setTimeout(() => response.end(bytes.subarray(5)), 20);
    });
    const reply = await http.send({
      method: 'POST',
      url: `${server.url}/pot`,
      headers: { 'x-sent': 'yes' },
      body: 'leaves',
      deadlineMs: 5_000,
    });
    expect(reply).toMatchObject({ status: 418, body: 'tea ✓', headers: { 'x-twice': 'one, two' } });
    expect(server.received).toMatchObject([
      { method: 'POST', path: '/pot', body: 'leaves', headers: { 'x-sent': 'yes' } },
    ]);
  });
});
