import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createKeyshift, readConfig, type Keyshift } from '../../src/index.ts';
import { createApp } from '../../src/server.ts';
import { approveConsent, startSandbox, type Sandbox } from '../../src/sandbox.ts';
import { accountIdOf, errorOf, post, send, tokensOf } from '../support/answer.ts';
import { createCollectingLogger } from '../support/collecting-logger.ts';
import type { ConnectApp } from '../support/connect-app.ts';
import { sandboxEnvironment, testSeed } from '../support/keyshift-fixture.ts';
import { readDocument, root, sectionOf } from '../support/markdown.ts';

const { text } = readDocument('docs/mounting.md');

/** A piece of TypeScript of a section, by default the first one. */
function codeOf(heading: string, index = 0): string {
  const code = [...(sectionOf(text, heading) ?? '').matchAll(/```ts\n([\s\S]*?)```/g)][index]?.[1];
  if (code === undefined) throw new Error(`docs/mounting.md has no code under ${heading}`);
  return code;
}

/** Where the code's imports are while nothing is installed, and what it keeps to itself. */
const replacements: readonly (readonly [string | RegExp, string])[] = [
  [/'keyshift'/g, `'${join(root, 'src/index.ts')}'`],
  [/'keyshift\/(server|express)'/g, `'${join(root, 'src')}/$1.ts'`],
  [/'hono'/g, `'${import.meta.resolve('hono')}'`],
  [
    "import express from 'express';",
    `import { createConnectApp, jsonParser } from '${join(root, 'test/support/connect-app.ts')}';
     const express = Object.assign(createConnectApp, { json: () => jsonParser });`,
  ],
  ['const app = express()', 'export const app = express()'],
  ['app.listen(3000)', 'export const origin = await app.listen()'],
  ['const server =', 'export const server ='],
  ['const keyshift = await', 'export const keyshift = await'],
  ['const work =', 'export const work ='],
  ['server.listen(3000)', 'server.listen(0)'],
];

const underPath = 'http://localhost:5000/klaviyo/auth/callback';

let folder: string;
let sandbox: Sandbox;
let environment: NodeJS.ProcessEnv;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'keyshift-mounting-'));
  const [app] = testSeed.apps;
  const redirectUris = [...app!.redirectUris, underPath];
  sandbox = await startSandbox({
    seed: { ...testSeed, apps: [{ ...app!, redirectUris }] },
    limits: false,
  });
  environment = { ...process.env };
  Object.assign(process.env, sandboxEnvironment(sandbox), { LOG_LEVEL: 'silent' });
});
afterAll(async () => {
  process.env = environment;
  await sandbox.close();
  rmSync(folder, { recursive: true });
});

/** Runs the code of a section as it stands, apart from the replacements. */
async function runCode(heading: string, index = 0): Promise<Record<string, unknown>> {
  let code = codeOf(heading, index);
  for (const [from, to] of replacements) code = code.replaceAll(from, to);
  const file = join(folder, `${heading.replace(/\W/g, '-').toLowerCase()}-${index}.ts`);
  writeFileSync(file, code);
  return (await import(file)) as Record<string, unknown>;
}

/** Serves a handler of the web on a port of its own. */
async function serve(handler: (request: Request) => Response | Promise<Response>): Promise<Server> {
  const listener = getRequestListener(handler, { overrideGlobalObjects: false });
  const server = createServer((request, response) => void listener(request, response));
  server.listen(0);
  await once(server, 'listening');
  return server;
}

function originOf(server: Server): string {
  return `http://localhost:${(server.address() as { port: number }).port}`;
}

/** Does what a browser and two scripts do with the routes of Klaviyo's demo. */
async function expectRoutes(origin: string, path = ''): Promise<void> {
  const base = origin + path;
  const start = await send(`${base}/auth/start`);
  expect(start.status).toBe(302);
  const [cookie = '', ...attributes] = (start.headers.get('set-cookie') ?? '').split('; ');
  expect(attributes).toContain(`Path=${path}/auth/callback`);
  const location = start.headers.get('location') ?? '';
  const { pathname, search } = new URL(await approveConsent(location, { account: 'AAA111' }));
  const callback = await send(origin + pathname + search, { headers: { cookie } });
  const { access_token, refresh_token } = tokensOf(callback);
  tokensOf(await post(`${base}/auth/refresh`, { refresh_token }));
  const headers = { authorization: `Bearer ${access_token}` };
  expect(accountIdOf(await send(`${base}/whoami`, { headers }))).toBe('AAA111');
  const page = await send(`${base}/connect/unknown`, { headers: { accept: 'text/html' } });
  const [, stylesheet = ''] = /href="(\/[^"]+\.css)"/.exec(page.body) ?? [];
  expect(stylesheet.startsWith(`${path}/assets/`)).toBe(true);
  expect((await send(origin + stylesheet)).headers.get('content-type')).toContain('text/css');
}

/** The proxy, and the paths that stay the application's own. */
async function expectProxy(origin: string): Promise<void> {
  const headers = {
    authorization: 'Bearer service-token-of-the-test-01',
    'keyshift-account': 'AAA111',
  };
  const answer = await send(`${origin}/api/accounts`, { headers });
  expect(answer.headers.get('keyshift-route')).toBe('oauth');
  expect(accountIdOf(answer)).toBe('AAA111');
  for (const path of ['/api/orders', '/auth/login', '/']) {
    const own = await send(origin + path);
    expect([own.status, own.headers.get('keyshift-request-id')]).toEqual([404, null]);
  }
}

describe('docs/mounting.md', () => {
  it('mounts in an application in the manner of Express', async () => {
    const { app, origin } = (await runCode('Express')) as { app: ConnectApp; origin: string };
    await expectRoutes(origin);
    await expectProxy(origin);
    await app[Symbol.asyncDispose]();
  });

  it('starts no redirect to a sandbox that does not run', async () => {
    const withoutApp = Object.entries(sandboxEnvironment(sandbox)).filter(
      ([name]) => !/^(CLIENT|KLAVIYO|REDIRECT)_/.test(name),
    );
    const own = { PORT: '59990', DATABASE_URL: `sqlite:${join(folder, 'without-app.db')}` };
    const config = readConfig({ ...Object.fromEntries(withoutApp), ...own });
    const { logger, lines } = createCollectingLogger();
    const keyshift = await createKeyshift(config, { logger });
    const server = await serve(createApp(keyshift).fetch);
    for (const path of ['/auth/start', '/auth/install']) {
      const answer = await send(originOf(server) + path);
      expect(answer.status).toBe(500);
      expect(answer.headers.get('location')).toBeNull();
      expect(errorOf(answer).error).toBe('config_invalid');
    }
    expect(lines.raw.join('')).toContain('no sandbox runs at http://localhost:59991');
    server.close();
    await keyshift.close();
  });

  it('mounts on node:http', async () => {
    const { server } = (await runCode('`node:http`')) as { server: Server };
    if (!server.listening) await once(server, 'listening');
    await expectRoutes(originOf(server));
    await expectProxy(originOf(server));
    server.close();
    server.closeAllConnections();
  });

  it('mounts in Hono', async () => {
    const { app } = (await runCode('Hono')) as {
      app: { fetch(request: Request): Promise<Response> };
    };
    const server = await serve((request) => app.fetch(request));
    await expectRoutes(originOf(server));
    expect(errorOf(await send(`${originOf(server)}/auth/login`)).error).toBe('not_found');
    server.close();
    server.closeAllConnections();
  });

  it('mounts in a route handler of Next', async () => {
    const { handle } = (await runCode('Next')) as {
      handle(request: Request): Promise<Response>;
    };
    const server = await serve(handle);
    await expectRoutes(originOf(server));
    server.close();
    server.closeAllConnections();
  });

  it.each([
    ['in the manner of Express', 0],
    ['in Hono', 1],
  ])('mounts under a path, %s', async (_, index) => {
    vi.stubEnv('REDIRECT_URI', underPath);
    const mounted = (await runCode('Under a path', index)) as {
      app: ConnectApp & { fetch(request: Request): Promise<Response> };
      origin?: string;
    };
    if (mounted.origin !== undefined) {
      await expectRoutes(mounted.origin, '/klaviyo');
      expect((await send(`${mounted.origin}/whoami`)).status).toBe(404);
      await mounted.app[Symbol.asyncDispose]();
    } else {
      const server = await serve((request) => mounted.app.fetch(request));
      await expectRoutes(originOf(server), '/klaviyo');
      server.close();
      server.closeAllConnections();
    }
    vi.unstubAllEnvs();
  });

  it('starts the work of a server in an application, and ends it in order', async () => {
    const before = process.listeners('SIGTERM');
    const { keyshift, work } = (await runCode('The work that nobody asks for')) as {
      keyshift: Keyshift;
      work: Promise<void>;
    };
    const [stop] = process.listeners('SIGTERM').filter((each) => !before.includes(each));
    stop?.('SIGTERM');
    await work;
    await keyshift.close();
    process.off('SIGTERM', stop!);
    await expect(
      keyshift.tokens.liveGrant({ clientId: 'app-one', accountId: 'AAA111' }),
    ).rejects.toThrow();
  });

  it('shows Fastify the middleware of Express', () => {
    expect(codeOf('Fastify')).toContain("from 'keyshift/express'");
    expect(codeOf('Fastify')).toContain('middleware(request.raw, reply.raw, next)');
  });
});
