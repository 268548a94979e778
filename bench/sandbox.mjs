import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import { readUsage } from './support/process-usage.mjs';
import { median } from './support/rounds.mjs';

export const about =
  'keyshift sandbox: start, GET /api/accounts without limits (32 at once), 100,000 accounts';

const cli = fileURLToPath(new URL('../bin/keyshift.mjs', import.meta.url));
const manyAccounts = 100_000;

export async function measure({ quick, note }) {
  const rounds = quick ? 3 : 9;
  note('start');
  const starts = [];
  for (let round = 0; round < rounds; round++) starts.push(await measureStart());
  note('requests');
  const few = await withSandbox(['--no-limits'], (sandbox) => measureRequests(sandbox, rounds));
  note('100,000 accounts');
  const many = await measureAccounts(rounds);
  return [
    {
      name: 'start to first answer',
      value: medianBy(starts, 'wallMs'),
      unit: 'ms',
      aim: { most: 400 },
    },
    { name: 'the same in CPU', value: medianBy(starts, 'cpuMs'), unit: 'ms CPU' },
    { name: 'by key', value: few.byKey, unit: 'requests/s', aim: { least: 3_000 } },
    { name: 'by access token', value: few.byToken, unit: 'requests/s', aim: { least: 3_000 } },
    { name: 'CPU of a request by key', value: few.cpuUs, unit: 'µs CPU' },
    { name: '100,000 accounts, start', value: many.wallMs / 1_000, unit: 's', aim: { most: 5 } },
    { name: 'the same in CPU', value: many.cpuMs / 1_000, unit: 's CPU' },
    { name: '100,000 accounts, most memory', value: many.peakMb, unit: 'MB', aim: { most: 500 } },
    { name: '100,000 accounts, by key', value: many.byKey, unit: 'requests/s' },
  ];
}

/** Starts `keyshift sandbox` on a free port; answers its process and what it printed. */
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
    sandbox.child.kill('SIGTERM');
    if (sandbox.child.exitCode === null) await once(sandbox.child, 'exit');
  }
}

async function measureStart(flags = []) {
  const startedMs = performance.now();
  return withSandbox(flags, async ({ child, url }) => {
    await (await fetch(`${url}/_sandbox/health`)).text();
    const wallMs = performance.now() - startedMs;
    return { wallMs, cpuMs: readUsage(child.pid).cpuUs / 1_000 };
  });
}

async function measureRequests({ child, url, private_key: key, apps }, rounds) {
  const before = readUsage(child.pid).cpuUs;
  const { perSecond: byKey, answered } = await load(url, `Klaviyo-API-Key ${key}`, rounds);
  const cpuUs = (readUsage(child.pid).cpuUs - before) / answered;
  const [{ id }] = await (await fetch(`${url}/_sandbox/accounts`)).json();
  const installed = await fetch(`${url}/_sandbox/install`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ accountId: id, clientId: apps[0].client_id }),
  });
  const { accessToken } = await installed.json();
  const { perSecond: byToken } = await load(url, `Bearer ${accessToken}`, rounds);
  return { byKey, byToken, cpuUs };
}

/** Rounds of a second, 32 requests at a time; the first one warms up. */
async function load(url, authorization, rounds) {
  const pool = new Pool(url, { connections: 32 });
  const headers = { authorization, revision: '2026-07-15' };
  const speeds = [];
  let answered = 0;
  for (let round = 0; round <= rounds; round++) {
    const startedMs = performance.now();
    const before = answered;
    const caller = async () => {
      while (performance.now() - startedMs < 1_000) {
        const path = '/api/accounts';
        const { statusCode, body } = await pool.request({ path, method: 'GET', headers });
        await body.text();
        if (statusCode !== 200) throw new Error(`/api/accounts answered ${statusCode}`);
        answered++;
      }
    };
    await Promise.all(Array.from({ length: 32 }, caller));
    if (round > 0) speeds.push(((answered - before) / (performance.now() - startedMs)) * 1_000);
  }
  await pool.close();
  return { perSecond: median(speeds), answered };
}

async function measureAccounts(rounds) {
  const startedMs = performance.now();
  return withSandbox(['--no-limits', '--accounts', String(manyAccounts)], async (sandbox) => {
    const { child, url, private_key: key } = sandbox;
    const wallMs = performance.now() - startedMs;
    const cpuMs = readUsage(child.pid).cpuUs / 1_000;
    const { perSecond: byKey } = await load(url, `Klaviyo-API-Key ${key}`, rounds);
    return { wallMs, cpuMs, byKey, peakMb: peakMbOf(child.pid) };
  });
}

/** The most memory a process has held, as Linux tells it. */
function peakMbOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1_024;
}

function medianBy(samples, field) {
  return median(samples.map((sample) => sample[field]));
}
