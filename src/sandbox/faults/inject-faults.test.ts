import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestSandbox, type TestSandbox } from '../../../test/support/sandbox-client.ts';

let test: TestSandbox;
beforeEach(async () => {
  test = await startTestSandbox();
});
afterEach(() => test.sandbox.close());

const accounts = { path: '/api/accounts' };
const token = { method: 'POST', path: '/oauth/token' };

describe('faults', () => {
  it('status: answers in place of the real thing, without processing', async () => {
    const { refresh_token } = await test.install();
    test.sandbox.addFault({
      match: token,
      kind: 'status',
      status: 503,
      headers: { 'retry-after': '7' },
      body: { error: 'temporarily_unavailable' },
      times: 1,
    });
    const reply = await test.refresh(refresh_token);
    expect(reply.status).toBe(503);
    expect(reply.headers.get('retry-after')).toBe('7');
    expect(reply.json).toEqual({ error: 'temporarily_unavailable' });
    expect(test.sandbox.statistics().refreshes).toBe(0);
    expect((await test.refresh(refresh_token)).status).toBe(200);
  });

  it('status after processing: the refresh token is spent although the answer is an error', async () => {
    await using rotating = await startTestSandbox({ rotation: 'rotate' });
    const { refresh_token } = await rotating.install();
    const fault = { match: token, kind: 'status', status: 502, phase: 'after', times: 1 } as const;
    rotating.sandbox.addFault(fault);
    expect((await rotating.refresh(refresh_token)).status).toBe(502);
    expect((await rotating.refresh(refresh_token)).at('error')).toBe('invalid_grant');
  });

  it('reset_before: breaks the connection and changes nothing', async () => {
    await using rotating = await startTestSandbox({ rotation: 'rotate' });
    const { refresh_token } = await rotating.install();
    rotating.sandbox.addFault({ match: token, kind: 'reset_before', times: 1 });
    await expect(rotating.refresh(refresh_token)).rejects.toThrow();
    expect(rotating.sandbox.requests().at(-1)).toMatchObject({ status: 0, fault: 'reset_before' });
    expect((await rotating.refresh(refresh_token)).status).toBe(200);
  });

  it('reset_after: breaks the connection after the refresh token is spent', async () => {
    await using rotating = await startTestSandbox({ rotation: 'rotate' });
    const { refresh_token } = await rotating.install();
    rotating.sandbox.addFault({ match: token, kind: 'reset_after', times: 1 });
    await expect(rotating.refresh(refresh_token)).rejects.toThrow();
    expect(rotating.sandbox.statistics()).toMatchObject({ refreshes: 1, faults: 1 });
    expect((await rotating.refresh(refresh_token)).at('error')).toBe('invalid_grant');
  });

  it('html: answers as the network’s edge does', async () => {
    test.sandbox.addFault({ match: accounts, kind: 'html' });
    const reply = await test.get('/api/accounts');
    expect(reply.status).toBe(403);
    expect(reply.headers.get('cf-mitigated')).toBe('challenge');
    expect(reply.headers.get('content-type')).toContain('text/html');
    expect(reply.json).toBeUndefined();
  });

  it('truncated: promises more than arrives', async () => {
    test.sandbox.addFault({ match: accounts, kind: 'truncated', times: 1 });
    await expect(test.get('/api/accounts')).rejects.toThrow();
    expect((await test.get('/api/accounts')).status).toBe(200);
  });

  it('empty: answers 200 with nothing', async () => {
    const { refresh_token } = await test.install();
    test.sandbox.addFault({ match: token, kind: 'empty' });
    const reply = await test.refresh(refresh_token);
    expect(reply.status).toBe(200);
    expect(reply.body).toBe('');
    expect(test.sandbox.statistics().byOperation['oauth_refresh']).toEqual({ 200: 1 });
  });

  it('token_reply: leaves fields out of a good answer and sets others', async () => {
    const { refresh_token } = await test.install();
    const omit = ['refresh_token', 'expires_in'];
    test.sandbox.addFault({ match: token, kind: 'token_reply', omit, times: 1 });
    const bare = await test.refresh(refresh_token);
    expect(Object.keys(bare.json as object)).toEqual(['access_token', 'token_type', 'scope']);
    expect((await test.get('/api/accounts', bare.text('access_token'))).status).toBe(200);

    test.sandbox.addFault({ match: token, kind: 'token_reply', body: { expires_in: '3600' } });
    expect((await test.refresh(refresh_token)).at('expires_in')).toBe('3600');
    expect((await test.refresh('unknown')).json).toMatchObject({ error: 'invalid_grant' });
  });

  it('delay: holds the answer until the sandbox’s clock has moved on', async () => {
    test.sandbox.addFault({ match: accounts, kind: 'delay', delayMs: 5_000, times: 1 });
    let answered = false;
    const reply = test.get('/api/accounts').finally(() => (answered = true));
    await expect.poll(() => test.sandbox.faults()).toEqual([]);
    await test.clock.advance(4_999);
    await test.get('/api/profiles');
    expect(answered).toBe(false);
    await test.clock.advance(1);
    expect((await reply).status).toBe(200);
  });

  it('delay after processing: the refresh counts although nobody has its answer yet', async () => {
    const { refresh_token } = await test.install();
    test.sandbox.addFault({ match: token, kind: 'delay', delayMs: 60_000, phase: 'after' });
    const [{ installs } = { installs: [] }] = test.sandbox.accounts();
    expect(installs[0]?.liveAccessTokens).toBe(1);
    const reply = test.refresh(refresh_token);
    await expect.poll(() => test.sandbox.accounts()[0]?.installs[0]?.liveAccessTokens).toBe(2);
    await test.clock.advance(60_000);
    expect((await reply).status).toBe(200);
  });

  it('lets close end a delay that nobody will wait out', async () => {
    test.sandbox.addFault({ match: accounts, kind: 'delay', delayMs: 3_600_000, times: 1 });
    const reply = expect(test.get('/api/accounts')).rejects.toThrow();
    await expect.poll(() => test.sandbox.faults()).toEqual([]);
    await test.sandbox.close();
    await reply;
  });

  it('works on every route but the page and the control routes, which could not end it', async () => {
    test.sandbox.addFault({ match: { path: '*' }, kind: 'status', status: 500 });
    for (const path of ['/nowhere', '/oauth/authorize', '/api/unicorns']) {
      expect((await test.request(path)).status).toBe(500);
    }
    for (const path of ['/', '/_sandbox/health', '/_sandbox/faults']) {
      expect((await test.request(path)).status).toBe(200);
    }
  });
});

describe('which requests a fault applies to', () => {
  it.each([
    ['a path without a slash', { path: 'api/accounts' }, {}],
    ['no times at all', { path: '/x' }, { times: 0 }],
    ['a chance above one', { path: '/x' }, { probability: 2 }],
  ])('refuses a fault with %s', (_, match, options) => {
    expect(() => test.sandbox.addFault({ match, kind: 'reset_before', ...options })).toThrow(
      /The fault is not valid/,
    );
  });

  it('refuses a status that is none', () => {
    expect(() => test.sandbox.addFault({ match: accounts, kind: 'status', status: 99 })).toThrow(
      /status must be/,
    );
  });

  it('matches method and path, trailing slash or not, and * for anything', async () => {
    test.sandbox.addFault({
      match: { method: 'post', path: '/api/*' },
      kind: 'status',
      status: 500,
    });
    test.sandbox.addFault({ match: { path: '/api/profiles/*' }, kind: 'status', status: 502 });
    test.sandbox.addFault({ match: { path: '/api/accounts/' }, kind: 'status', status: 503 });
    expect((await test.post('/api/events', {})).status).toBe(500);
    expect((await test.get('/api/profiles/1')).status).toBe(502);
    expect((await test.get('/api/accounts?x=1')).status).toBe(503);
    expect((await test.get('/api/accounts/')).status).toBe(503);
    expect((await test.get('/api/metrics')).status).toBe(200);
    expect((await test.get('/api/accountsX')).status).toBe(404);
  });

  it('applies the first that matches, until it is used up, removed or cleared', async () => {
    const statusOf = async () => (await test.get('/api/accounts')).status;
    test.sandbox.addFault({ match: accounts, kind: 'status', status: 500, times: 2 });
    const remove = test.sandbox.addFault({ match: accounts, kind: 'status', status: 502 });
    test.sandbox.addFault({ match: accounts, kind: 'status', status: 503 });
    expect([await statusOf(), await statusOf(), await statusOf()]).toEqual([500, 500, 502]);
    remove();
    expect(await statusOf()).toBe(503);
    test.sandbox.clearFaults();
    expect(await statusOf()).toBe(200);
  });

  it('applies by chance when asked to', async () => {
    await using even = await startTestSandbox({
      random: { ...fixedRandom, fraction: alternating(0.2, 0.8) },
    });
    even.sandbox.addFault({ match: accounts, kind: 'status', status: 500, probability: 0.5 });
    const statuses = [];
    for (let call = 0; call < 4; call++) statuses.push((await even.get('/api/accounts')).status);
    expect(statuses).toEqual([500, 200, 500, 200]);
  });
});

const fixedRandom = { bytes: (size: number) => Buffer.alloc(size, 7), id: () => 'id' };

function alternating(...values: number[]): () => number {
  let next = 0;
  return () => values[next++ % values.length] ?? 0;
}

describe('a port that is taken', () => {
  it('is named in a clear error', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, 'localhost', resolve));
    const { port } = holder.address() as { port: number };
    await expect(startTestSandbox({ port })).rejects.toMatchObject({
      code: 'port_in_use',
      message: `The sandbox cannot listen on port ${port}: it is taken.`,
    });
    holder.close();
  });
});
