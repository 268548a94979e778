import { describe, expect, it } from 'vitest';
import { openTestKeyshift } from '../../test/support/keyshift-fixture.ts';
import { createApp } from '../http/create-app.tsx';
import { newConnection } from '../model/connection.ts';
import type { ManualClock } from '../runtime/clock.ts';
import { createConsole } from './create-console.tsx';

const password = 'correct horse battery';
const origin = 'http://localhost:5000';

/** A browser that keeps its cookies, in front of the app. */
async function open(options: Parameters<typeof openTestKeyshift>[0] = {}) {
  const bench = await openTestKeyshift(options);
  const app = createApp(bench.keyshift.face, { console: createConsole });
  const cookies = new Map<string, string>();
  const setCookies: string[] = [];

  async function send(path: string, init: RequestInit = {}) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await app.request(origin + path, {
      ...init,
      headers: { accept: 'text/html', ...(cookie === '' ? {} : { cookie }), ...init.headers },
    });
    for (const line of response.headers.getSetCookie()) {
      setCookies.push(line);
      const [name = '', value = ''] = (line.split(';', 1)[0] ?? '').split(/=(.*)/s);
      if (/max-age=0/i.test(line)) cookies.delete(name);
      else cookies.set(name, value);
    }
    return { status: response.status, headers: response.headers, html: await response.text() };
  }
  const post = (path: string, fields: Record<string, string>) =>
    send(path, { method: 'POST', body: new URLSearchParams(fields) });
  const tokenOf = (html: string) => /name="csrf_token" value="([^"]*)"/.exec(html)?.[1] ?? '';
  const login = async (attempt: string) =>
    post('/console/login', {
      csrf_token: tokenOf((await send('/console/login')).html),
      password: attempt,
    });
  return { ...bench, cookies, setCookies, send, post, login, tokenOf };
}

/** What a request ends with that waits for time to pass. */
async function passing<Result>(
  { clock }: { readonly clock: ManualClock },
  request: Promise<Result>,
): Promise<Result> {
  const turns = new AbortController();
  void request.finally(() => {
    turns.abort();
  });
  while (!turns.signal.aborted) await clock.advance(100);
  return request;
}

describe('a login that fails', () => {
  it('with a wrong password is told so, and opens nothing', async () => {
    await using bench = await open();
    for (const attempt of ['', 'wrong', `${password} `, password.toUpperCase()]) {
      const answer = await bench.login(attempt);
      expect(answer.status).toBe(401);
      expect(answer.html).toContain('Wrong password');
    }
    expect(await bench.send('/console')).toMatchObject({ status: 303 });
  });

  it('without the form’s token is refused, also with the right password', async () => {
    await using bench = await open();
    await bench.send('/console/login');
    for (const token of ['', 'x', 'a'.repeat(22), 'é'.repeat(22), '✓'.repeat(22)]) {
      const answer = await bench.post('/console/login', { csrf_token: token, password });
      expect(answer.status, token).toBe(400);
    }
    const bare = await bench.post('/console/login', { password });
    expect(bare.status).toBe(400);
    expect(await bench.send('/console')).toMatchObject({ status: 303 });
  });

  it('with another browser’s form is refused', async () => {
    await using bench = await open();
    const stolen = bench.tokenOf((await bench.send('/console/login')).html);
    bench.cookies.clear();
    const answer = await bench.post('/console/login', { csrf_token: stolen, password });
    expect(answer.status).toBe(400);
    bench.cookies.set('keyshift_login', stolen);
    expect((await bench.post('/console/login', { csrf_token: stolen, password })).status).toBe(400);
  });

  it('ten times in a minute makes the right password wait, and then lets it in', async () => {
    await using bench = await open();
    for (let attempt = 0; attempt < 10; attempt += 1) await bench.login('wrong');
    const refused = await passing(
      bench,
      Promise.all(Array.from({ length: 8 }, () => bench.login('wrong'))),
    );
    for (const { status, headers, html } of refused) {
      expect(status).toBe(429);
      expect(html).toContain(`${headers.get('retry-after')} seconds`);
    }
    const beforeMs = bench.clock.now();
    expect((await passing(bench, bench.login(password))).status).toBe(303);
    expect(bench.clock.now() - beforeMs).toBeGreaterThanOrEqual(1_000);
  });

  it('elsewhere never makes a browser wait that has signed in before', async () => {
    await using bench = await open();
    await bench.login(password);
    const own = new Map(bench.cookies);
    bench.cookies.clear();
    for (let attempt = 0; attempt < 10; attempt += 1) await bench.login('wrong');
    for (const [name, value] of own) bench.cookies.set(name, value);
    bench.cookies.delete('keyshift_session');
    expect((await bench.login(password)).status).toBe(303);
  });

  it('stands in the log with the address it came from, and so does one that succeeds', async () => {
    await using bench = await open();
    await bench.login('wrong');
    await bench.login(password);
    const lines = bench.logLines.filter((line) => line.includes('the console'));
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toContain('"address":"unknown"');
  });

  it('never shows or logs the password', async () => {
    await using bench = await open();
    const answer = await bench.login('a-wrong-password');
    await bench.login(password);
    expect(answer.html).not.toContain('a-wrong-password');
    expect(bench.logLines.join('')).not.toMatch(/a-wrong-password|correct horse/);
  });
});

describe('a session', () => {
  it.each(['', 'x', '99999999999999.forged', '99999999999999.forged.c2lnbmF0dXJl'])(
    'cannot be made up: %j',
    async (value) => {
      await using bench = await open();
      bench.cookies.set('keyshift_session', encodeURIComponent(value));
      const answer = await bench.send('/console');
      expect(answer).toMatchObject({ status: 303 });
      expect(answer.headers.get('location')).toBe('/console/login');
    },
  );

  it('begins with the right password, in a cookie that scripts and other sites do not get', async () => {
    await using bench = await open();
    const answer = await bench.login(password);
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe('/console');
    const line = bench.setCookies.find((each) => each.startsWith('keyshift_session='));
    expect(line).toMatch(/; Path=\/console(;|$)/);
    expect(line).toContain('HttpOnly');
    expect(line).toContain('SameSite=Strict');
    expect(line).not.toContain('Secure');
    const page = await bench.send('/console');
    expect(page.status).toBe(200);
    expect(page.html).toContain('Nothing has been imported yet');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  it('travels over https only where the public URL is https', async () => {
    await using bench = await open({ environment: { PUBLIC_URL: 'https://localhost' } });
    await bench.login(password);
    expect(bench.setCookies).toHaveLength(3);
    // Such names browsers take only with Secure and Path=/, without Domain, from this very host.
    for (const line of bench.setCookies) {
      expect(line).toMatch(/^__Host-keyshift_(login|session|device)=/);
      expect(line).toMatch(/; Path=\/(;|$)/);
      expect(line).toMatch(/; Secure(;|$)/);
      expect(line).not.toMatch(/domain/i);
    }
    expect((await bench.send('/console')).status).toBe(200);
  });

  it('ends by itself after eight hours, whatever the browser keeps', async () => {
    await using bench = await open();
    await bench.login(password);
    await bench.clock.advance(8 * 3_600_000 - 1);
    expect((await bench.send('/console')).status).toBe(200);
    await bench.clock.advance(1);
    expect((await bench.send('/console')).status).toBe(303);
  });

  it('is not ended by a form of another site', async () => {
    await using bench = await open();
    await bench.login(password);
    for (const token of [{}, { csrf_token: 'x' }, { csrf_token: 'é'.repeat(43) }]) {
      expect((await bench.post('/console/logout', token)).status).toBe(303);
      expect((await bench.send('/console')).status).toBe(200);
    }
  });

  it('ends with the logout of its own page, for good', async () => {
    await using bench = await open();
    await bench.login(password);
    const token = bench.tokenOf((await bench.send('/console')).html);
    const session = bench.cookies.get('keyshift_session') ?? '';
    const answer = await bench.post('/console/logout', { csrf_token: token });
    expect(answer.headers.get('location')).toBe('/console/login');
    expect(bench.cookies.has('keyshift_session')).toBe(false);
    expect((await bench.send('/console')).status).toBe(303);
    bench.cookies.set('keyshift_session', session);
    expect((await bench.send('/console')).status, 'a copy of the cookie').toBe(303);
  });
});

describe('the status page', () => {
  async function openWith(count: number) {
    const bench = await open();
    const { store } = bench.keyshift;
    for (let index = 0; index < count; index += 1) {
      const customerId = `customer ${String(index).padStart(3, '0')} & sons/ü`;
      await store.connections.insert(
        newConnection(bench.keyshift, { customerId, stage: 'imported', route: 'key' }),
      );
    }
    await bench.login(password);
    const customersOf = (html: string) => html.match(/customer \d{3}/g) ?? [];
    const nextOf = (html: string) =>
      /<a [^>]*href="([^"]+)"[^>]*>\s*Next page/.exec(html)?.[1]?.replaceAll('&amp;', '&');
    return { ...bench, customersOf, nextOf };
  }

  it('shows nobody but who is signed in', async () => {
    await using bench = await openWith(1);
    bench.cookies.clear();
    for (const path of ['/console', '/console?after=x', '/console/']) {
      const answer = await bench.send(path);
      expect(answer.status).not.toBe(200);
      expect(answer.html).not.toContain('customer 0');
    }
  });

  it('leads through every connection once, page by page', async () => {
    await using bench = await openWith(120);
    const seen: string[] = [];
    const sizes: number[] = [];
    for (let path: string | undefined = '/console'; path !== undefined;) {
      const { html, status } = await bench.send(path);
      expect(status).toBe(200);
      seen.push(...bench.customersOf(html));
      sizes.push(bench.customersOf(html).length);
      path = bench.nextOf(html);
    }
    expect(sizes).toEqual([50, 50, 20]);
    expect(seen).toEqual(
      Array.from({ length: 120 }, (_, i) => `customer ${String(i).padStart(3, '0')}`),
    );
  });

  it('offers no further page when there is none', async () => {
    await using bench = await openWith(50);
    const { html } = await bench.send('/console');
    expect(bench.customersOf(html)).toHaveLength(50);
    expect(bench.nextOf(html)).toBeUndefined();
  });

  it('survives a page behind the last, and a name that is no customer’s', async () => {
    await using bench = await openWith(2);
    const behind = await bench.send('/console?after=zzz');
    expect(behind.status).toBe(200);
    expect(behind.html).toContain('no more connections');
    expect((await bench.send('/console?after=')).html).toContain('customer 000');
    expect((await bench.send('/console?after=%00%FF')).status).toBeLessThan(500);
  });
});
