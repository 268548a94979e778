#!/usr/bin/env node
/**
 * Measures the sandbox: how fast it starts, how many requests it answers, what 100,000 accounts
 * cost. Prints a table, or JSON with --json. Needs the build in dist.
 *
 *   node bench/sandbox.mjs [--json]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';

const cli = fileURLToPath(new URL('../bin/keyshift.mjs', import.meta.url));
const manyAccounts = 100_000;

const figures = {
  'start to first answer, ms (median of 7, < 400)': await medianOf(7, startMs),
  'start of the process alone, ms (node -e 0)': await medianOf(7, emptyProcessMs),
  ...(await withSandbox(['--no-limits'], measureRequests)),
  ...(await measureAccounts()),
};
if (process.argv.includes('--json')) {
  process.stdout.write(`${JSON.stringify(figures)}\n`);
} else {
  const width = Math.max(...Object.keys(figures).map((name) => name.length));
  for (const [name, value] of Object.entries(figures)) {
    process.stdout.write(`${name.padEnd(width)}  ${value.toLocaleString('en')}\n`);
  }
}

/** Starts `keyshift sandbox` on a free port and answers it with its URL and first account's key. */
async function start(flags) {
  const child = spawn(process.execPath, [cli, 'sandbox', '--port', '0', '--json', ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  for await (const chunk of child.stdout) {
    text += chunk;
    if (text.includes('\n')) break;
  }
  return { child, ...JSON.parse(text) };
}

async function withSandbox(flags, work) {
  const sandbox = await start(flags);
  try {
    return await work(sandbox);
  } finally {
    await stop(sandbox.child);
  }
}

async function stop(child) {
  child.kill('SIGTERM');
  if (child.exitCode === null) await once(child, 'exit');
}

async function startMs() {
  const startedMs = performance.now();
  const sandbox = await start([]);
  const response = await fetch(`${sandbox.url}/_sandbox/health`);
  await response.text();
  const tookMs = performance.now() - startedMs;
  await stop(sandbox.child);
  return Math.round(tookMs);
}

async function emptyProcessMs() {
  const startedMs = performance.now();
  await once(spawn(process.execPath, ['-e', '0']), 'exit');
  return Math.round(performance.now() - startedMs);
}

async function medianOf(times, measure) {
  const values = [];
  for (let round = 0; round < times; round++) values.push(await measure());
  return values.toSorted((a, b) => a - b)[Math.floor(times / 2)];
}

async function measureRequests({ url, private_key: key, apps }) {
  const authorization = `Klaviyo-API-Key ${key}`;
  const byKey = await requestsPerSecond(url, authorization);
  const { id } = (await (await fetch(`${url}/_sandbox/accounts`)).json())[0];
  const installed = await fetch(`${url}/_sandbox/install`, {
    method: 'POST',
    body: new URLSearchParams({ accountId: id, clientId: apps[0].client_id }),
  });
  const { accessToken } = await installed.json();
  const byToken = await requestsPerSecond(url, `Bearer ${accessToken}`);
  return {
    'GET /api/accounts by key, requests/s (>= 3,000)': byKey,
    'GET /api/accounts by token, requests/s': byToken,
  };
}

/** The best of three rounds of two seconds, 32 requests at a time. */
async function requestsPerSecond(url, authorization) {
  const pool = new Pool(url, { connections: 32 });
  const headers = { authorization, revision: '2026-07-15' };
  let best = 0;
  for (let round = 0; round < 3; round++) {
    const startedMs = performance.now();
    let answered = 0;
    const caller = async () => {
      while (performance.now() - startedMs < 2_000) {
        const { statusCode, body } = await pool.request({
          path: '/api/accounts',
          method: 'GET',
          headers,
        });
        await body.text();
        if (statusCode !== 200) throw new Error(`/api/accounts answered ${statusCode}`);
        answered++;
      }
    };
    await Promise.all(Array.from({ length: 32 }, caller));
    best = Math.max(best, Math.round((answered / (performance.now() - startedMs)) * 1_000));
  }
  await pool.close();
  return best;
}

async function measureAccounts() {
  const startedMs = performance.now();
  return withSandbox(
    ['--no-limits', '--accounts', String(manyAccounts)],
    async ({ child, url, private_key: key }) => {
      const seconds = (performance.now() - startedMs) / 1_000;
      const perSecond = await requestsPerSecond(url, `Klaviyo-API-Key ${key}`);
      return {
        'start with 100,000 accounts, s (< 5)': Math.round(seconds * 100) / 100,
        'memory with 100,000 accounts, MB (< 500)': residentMb(child.pid),
        'GET /api/accounts among them, requests/s': perSecond,
      };
    },
  );
}

/** The most memory a process has held, as Linux tells it. */
function residentMb(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1_024);
}
