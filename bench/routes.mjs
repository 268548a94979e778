/**
 * CPU a request of the server's routes: one server process, 16 connections, the sandbox and the
 * load in processes of their own. Prints microseconds of whole-process CPU (user and system).
 *
 *   node bench/routes.mjs [requests]
 */
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'undici';
import { readUsage } from './process-usage.mjs';

const requests = Number(process.argv[2] ?? 4000);
const connections = 16;
const folder = mkdtempSync(join(tmpdir(), 'keyshift-bench-'));
const port = await findFreePort();
const origin = `http://localhost:${port}`;
const redirectUri = `${origin}/auth/callback`;
const app = { clientId: 'bench-app', clientSecret: 'bench-secret' };

const sandbox = fork(new URL('./sandbox-process.mjs', import.meta.url).pathname, [
  redirectUri,
  app.clientId,
  app.clientSecret,
  '500',
]);
const [{ url: sandboxUrl, accounts }] = await once(sandbox, 'message');

const startedMs = performance.now();
const server = spawn(
  process.execPath,
  [...(process.env.NODE_FLAGS ?? '').split(' ').filter(Boolean), 'bin/keyshift.mjs', 'serve'],
  {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      PORT: String(port),
      CLIENT_ID: app.clientId,
      CLIENT_SECRET: app.clientSecret,
      REDIRECT_URI: redirectUri,
      KLAVIYO_AUTHORIZE_URL: `${sandboxUrl}/oauth/authorize`,
      KLAVIYO_TOKEN_URL: `${sandboxUrl}/oauth/token`,
      KLAVIYO_REVOKE_URL: `${sandboxUrl}/oauth/revoke`,
      KLAVIYO_API_URL: sandboxUrl,
      DATABASE_URL: process.env.DATABASE_URL ?? `sqlite:${join(folder, 'bench.db')}`,
      LOG_LEVEL: 'warn',
    },
  },
);
const pool = new Pool(origin, { connections, pipelining: 1 });
const klaviyo = new Pool(sandboxUrl, { connections });

try {
  const startUpMs = await untilAnswering();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const idle = readUsage(server.pid);
  const logins = [];
  for (let index = 0; index < 64; index += 1) logins.push(await logIn(index));
  const tokensOf = (index) => logins[index % logins.length];
  const cases = {
    '/healthz (floor)': () => get('/healthz'),
    '/auth/start': () => get('/auth/start', 302),
    '/auth/refresh': (index) => refresh(tokensOf(index).refresh_token),
    '/whoami': (index) =>
      get('/whoami', 200, { authorization: `Bearer ${tokensOf(index).access_token}` }),
    'login round trip': (index) => logIn(index),
  };
  console.log(`start-up to first answer  ${startUpMs.toFixed(0)} ms`);
  console.log(`idle memory               ${idle.rssMiB.toFixed(0)} MiB RSS`);
  for (const [name, send] of Object.entries(cases)) {
    await load(send, Math.ceil(requests / 4));
    const { cpuUs, perSecond } = await load(send, requests);
    console.log(
      `${name.padEnd(26)}${cpuUs.toFixed(0).padStart(5)} µs CPU a request, ${perSecond.toFixed(0)} requests/s`,
    );
  }
  console.log(`memory after the load     ${readUsage(server.pid).rssMiB.toFixed(0)} MiB RSS`);
} finally {
  await pool.close();
  await klaviyo.close();
  server.kill('SIGTERM');
  await once(server, 'exit');
  sandbox.disconnect();
  rmSync(folder, { recursive: true, force: true });
}

async function load(send, count) {
  const before = readUsage(server.pid).cpuUs;
  const sinceMs = performance.now();
  let next = 0;
  const worker = async () => {
    while (next < count) await send(next++);
  };
  await Promise.all(Array.from({ length: connections }, worker));
  const seconds = (performance.now() - sinceMs) / 1000;
  return {
    cpuUs: (readUsage(server.pid).cpuUs - before) / count,
    perSecond: count / seconds,
  };
}

async function get(path, status = 200, headers = {}) {
  const reply = await pool.request({ method: 'GET', path, headers });
  const body = await reply.body.text();
  if (reply.statusCode !== status) throw new Error(`${path}: ${reply.statusCode} ${body}`);
  return { headers: reply.headers, body };
}

/** Asked for other grants in turn, so that no two requests share one refresh. */
async function refresh(token) {
  const reply = await pool.request({
    method: 'POST',
    path: '/auth/refresh',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ refresh_token: token }),
  });
  const body = await reply.body.text();
  if (reply.statusCode !== 200) throw new Error(`/auth/refresh: ${reply.statusCode} ${body}`);
  return JSON.parse(body);
}

async function logIn(index) {
  const { headers } = await get('/auth/start', 302);
  const form = new URL(headers.location).searchParams;
  form.set('account', accounts[index % accounts.length]);
  form.set('decision', 'allow');
  const consent = await klaviyo.request({
    method: 'POST',
    path: '/oauth/authorize',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
  });
  await consent.body.dump();
  const callback = new URL(consent.headers.location);
  const cookie = [headers['set-cookie']].flat()[0].split(';', 1)[0];
  const { body } = await get(callback.pathname + callback.search, 200, { cookie });
  return JSON.parse(body);
}

async function untilAnswering() {
  for (;;) {
    try {
      await get('/healthz');
      return performance.now() - startedMs;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

async function findFreePort() {
  const probe = createServer().listen(0, 'localhost');
  await once(probe, 'listening');
  const { port: free } = probe.address();
  probe.close();
  await once(probe, 'close');
  return free;
}
