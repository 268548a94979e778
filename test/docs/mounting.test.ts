import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { approveConsent, startSandbox, type Sandbox } from '../../src/sandbox.ts';
import { accountIdOf, errorOf, post, send, tokensOf } from '../support/answer.ts';
import type { ConnectApp } from '../support/connect-app.ts';
import { sandboxEnvironment, testSeed } from '../support/keyshift-fixture.ts';
import { readDocument, root, sectionOf } from '../support/markdown.ts';

const { text } = readDocument('docs/mounting.md');

/** The first TypeScript of a section. */
function codeOf(heading: string): string {
  const code = /```ts\n([\s\S]*?)```/.exec(sectionOf(text, heading) ?? '')?.[1];
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
  ['server.listen(3000)', 'server.listen(0)'],
];

let folder: string;
let sandbox: Sandbox;
let environment: NodeJS.ProcessEnv;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'keyshift-mounting-'));
  sandbox = await startSandbox({ seed: testSeed, limits: false });
  environment = { ...process.env };
  Object.assign(process.env, sandboxEnvironment(sandbox), { LOG_LEVEL: 'silent' });
});
afterAll(async () => {
  process.env = environment;
  await sandbox.close();
  rmSync(folder, { recursive: true });
});

/** Runs the code of a section as it stands, apart from the replacements. */
async function runCode(heading: string): Promise<Record<string, unknown>> {
  let code = codeOf(heading);
  for (const [from, to] of replacements) code = code.replaceAll(from, to);
  const file = join(folder, `${heading.replace(/\W/g, '-').toLowerCase()}.ts`);
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
async function expectRoutes(origin: string): Promise<void> {
  const start = await send(`${origin}/auth/start`);
  expect(start.status).toBe(302);
  const cookie = start.headers.get('set-cookie')?.split(';')[0] ?? '';
  const location = start.headers.get('location') ?? '';
  const { pathname, search } = new URL(await approveConsent(location, { account: 'AAA111' }));
  const callback = await send(origin + pathname + search, { headers: { cookie } });
  const { access_token, refresh_token } = tokensOf(callback);
  tokensOf(await post(`${origin}/auth/refresh`, { refresh_token }));
  const headers = { authorization: `Bearer ${access_token}` };
  expect(accountIdOf(await send(`${origin}/whoami`, { headers }))).toBe('AAA111');
  const page = await send(`${origin}/connect/unknown`, { headers: { accept: 'text/html' } });
  const stylesheet = /href="(\/assets\/[^"]+)"/.exec(page.body)?.[1] ?? '';
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

  it('shows Fastify the middleware of Express', () => {
    expect(codeOf('Fastify')).toContain("from 'keyshift/express'");
    expect(codeOf('Fastify')).toContain('middleware(request.raw, reply.raw, next)');
  });
});
