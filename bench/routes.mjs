import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import { findFreePort } from '../dist/runtime/free-port.js';
import { readUsage } from './support/process-usage.mjs';
import { median } from './support/rounds.mjs';
import { createScratchFolder } from './support/scratch-folder.mjs';
import { startHelper } from './support/start-helper.mjs';

export const about =
  'CPU of the whole server process a request: 16 connections, one process, SQLite (Linux only)';

const connections = 16;
const app = { clientId: 'bench-app', clientSecret: 'bench-secret' };
const aimsUs = {
  '/auth/start': 120,
  '/auth/refresh': 250,
  '/whoami': 100,
  'login round trip': 600,
};

/** The server, the sandbox and the load in processes of their own; the routes take turns. */
export async function measure({ quick, note }) {
  const size = quick ? { rounds: 3, requests: 1_000 } : { rounds: 7, requests: 4_000 };
  const port = await findFreePort();
  const origin = `http://localhost:${port}`;
  const redirectUri = `${origin}/auth/callback`;
  const args = [redirectUri, app.clientId, app.clientSecret, '500'];
  const sandbox = await startHelper('sandbox-process', args);
  const server = startServer(port, redirectUri, sandbox.ready.url);
  const pool = new Pool(origin, { connections, pipelining: 1 });
  const klaviyo = new Pool(sandbox.ready.url, { connections });
  try {
    const startUpMs = await untilAnswering(pool, server);
    await sleep(2_000);
    const idle = readUsage(server.child.pid);
    const cases = await createCases({ pool, klaviyo, accounts: sandbox.ready.accounts });
    const samples = await measureCases(cases, server.child.pid, size, note);
    return [
      { name: 'start-up to first answer', value: startUpMs, unit: 'ms', aim: { most: 500 } },
      { name: 'idle memory', value: idle.rssMiB, unit: 'MiB RSS', aim: { most: 100 } },
      ...Object.entries(samples).map(([name, all]) => ({
        name,
        value: median(all),
        unit: 'µs CPU a request',
        ...(aimsUs[name] === undefined ? {} : { aim: { most: aimsUs[name] } }),
      })),
      { name: 'memory after the load', value: readUsage(server.child.pid).rssMiB, unit: 'MiB RSS' },
    ];
  } finally {
    await Promise.all([pool.close(), klaviyo.close()]);
    server.child.kill('SIGTERM');
    await server.exited;
    sandbox.stop();
  }
}

function startServer(port, redirectUri, sandboxUrl) {
  const program = fileURLToPath(new URL('../bin/keyshift.mjs', import.meta.url));
  // BENCH_NODE_FLAGS=--cpu-prof writes a profile of the server.
  const flags = (process.env.BENCH_NODE_FLAGS ?? '').split(' ').filter(Boolean);
  const startedMs = performance.now();
  const child = spawn(process.execPath, [...flags, program, 'serve'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env.PATH,
      HOST: 'localhost',
      PORT: String(port),
      CLIENT_ID: app.clientId,
      CLIENT_SECRET: app.clientSecret,
      REDIRECT_URI: redirectUri,
      KLAVIYO_AUTHORIZE_URL: `${sandboxUrl}/oauth/authorize`,
      KLAVIYO_TOKEN_URL: `${sandboxUrl}/oauth/token`,
      KLAVIYO_REVOKE_URL: `${sandboxUrl}/oauth/revoke`,
      KLAVIYO_API_URL: sandboxUrl,
      DATABASE_URL:
        process.env.BENCH_DATABASE_URL ?? `sqlite:${join(createScratchFolder(), 'b.db')}`,
      KEYSHIFT_MODE: 'development',
      KEYSHIFT_KEYS: `bench:${Buffer.alloc(32, 1).toString('base64')}`,
      SESSION_SECRET: 'only for this benchmark, in a folder that is removed',
      KEYSHIFT_ADMIN_PASSWORD: 'only-for-this-run',
      KEYSHIFT_SERVICE_TOKENS: 'bench:only-for-this-run-of-a-bench',
      LOG_LEVEL: 'warn',
    },
  });
  process.on('exit', () => child.kill('SIGKILL'));
  return { child, startedMs, exited: once(child, 'exit') };
}

async function createCases(parties) {
  const { pool } = parties;
  const logins = [];
  for (let index = 0; index < 64; index += 1) logins.push(await logIn(parties, index));
  const tokensOf = (index) => logins[index % logins.length];
  const bearer = (index) => ({ authorization: `Bearer ${tokensOf(index).access_token}` });
  return {
    '/healthz (floor)': () => get(pool, '/healthz'),
    '/auth/start': () => get(pool, '/auth/start', 302),
    // Of other grants in turn, so that no two requests share one refresh.
    '/auth/refresh': (index) => refresh(pool, tokensOf(index).refresh_token),
    '/whoami': (index) => get(pool, '/whoami', 200, bearer(index)),
    'login round trip': (index) => logIn(parties, index),
  };
}

async function measureCases(cases, pid, { rounds, requests }, note) {
  const samples = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round += 1) {
    note(`round ${round} of ${rounds}`);
    for (const [name, send] of Object.entries(cases)) {
      const before = readUsage(pid).cpuUs;
      let next = 0;
      const worker = async () => {
        while (next < requests) await send(next++);
      };
      await Promise.all(Array.from({ length: connections }, worker));
      if (round > 0) samples[name].push((readUsage(pid).cpuUs - before) / requests);
    }
  }
  return samples;
}

async function get(pool, path, status = 200, headers = {}) {
  const reply = await pool.request({ method: 'GET', path, headers });
  const body = await reply.body.text();
  if (reply.statusCode !== status) throw new Error(`${path}: ${reply.statusCode} ${body}`);
  return { headers: reply.headers, body };
}

async function refresh(pool, token) {
  const reply = await pool.request({
    method: 'POST',
    path: '/auth/refresh',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ refresh_token: token }),
  });
  const body = await reply.body.text();
  if (reply.statusCode !== 200) throw new Error(`/auth/refresh: ${reply.statusCode} ${body}`);
}

async function logIn({ pool, klaviyo, accounts }, index) {
  const { headers } = await get(pool, '/auth/start', 302);
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
  const { body } = await get(pool, callback.pathname + callback.search, 200, { cookie });
  return JSON.parse(body);
}

async function untilAnswering(pool, { child, startedMs }) {
  for (;;) {
    try {
      await get(pool, '/healthz');
      return performance.now() - startedMs;
    } catch (error) {
      if (child.exitCode !== null) throw error;
      await sleep(5);
    }
  }
}
