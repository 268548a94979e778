/**
 * The proxy against the least that a proxy can be: node:http and `undici.dispatch`, which swap one
 * header. Both stand before the same upstream, each in a process of its own, and take turns under
 * the same load. Keyshift's runs as it is served: vault, policies, counters and audit log on, a
 * hundred customers on both routes, SQLite on disk.
 */
import { Pool } from 'undici';
import { readUsage } from './support/process-usage.mjs';
import { median } from './support/rounds.mjs';
import { createScratchFolder } from './support/scratch-folder.mjs';
import { startHelper } from './support/start-helper.mjs';

export const about = 'the proxy beside a bare undici.dispatch proxy: throughput, latency, memory';

const customers = 100;
const connections = 32;
const megabyte = Buffer.alloc(1024 * 1024, 'x');

const kinds = [
  { name: '3.7 KB answers', method: 'GET', path: '/api/profiles?page%5Bsize%5D=20', share: 1 },
  { name: '1 MB answers', method: 'GET', path: '/api/catalog-items/1mb', share: 0.05 },
  { name: '1 MB bodies', method: 'POST', path: '/api/profiles', body: megabyte, share: 0.05 },
];

export async function measure({ quick, note }) {
  const stops = [];
  const start = async (name, ...args) => {
    const { ready, ask, stop } = await startHelper(name, args);
    stops.push(stop);
    return { ...ready, ask };
  };
  const upstream = await start('proxy-upstream-process');
  const bare = await start('proxy-bare-process', upstream.url);
  const folder = createScratchFolder();
  const keyshift = await start('proxy-keyshift-process', upstream.url, folder, String(customers));
  const proxies = { bare, keyshift };
  for (const proxy of Object.values(proxies)) {
    proxy.pool = new Pool(proxy.url, { connections, pipelining: 1 });
    proxy.authorization = (at) => `Klaviyo-API-Key ${keyshift.keys[at % customers]}`;
  }
  const rows = [];
  let perSecond = 0;
  for (const kind of kinds) {
    note(kind.name);
    const requests = Math.ceil((quick ? 8_000 : 20_000) * kind.share);
    const samples = await takeTurns(proxies, quick ? 3 : 7, (proxy) =>
      flood(proxy, kind, requests),
    );
    rows.push(...compare(kind.name, samples));
    // What Keyshift can carry: at half of it neither proxy is full.
    if (kind === kinds[0]) perSecond = median(samples.keyshift.map((sample) => sample.perSecond));
  }
  note('latency at half load');
  rows.push(await compareLatency(proxies, perSecond / 2, quick ? 5_000 : 20_000));
  const requests = quick ? 20_000 : 1_000_000;
  note(`memory over ${requests} requests`);
  rows.push(...(await measureMemory(keyshift, requests)));
  for (const { pool } of Object.values(proxies)) await pool.close();
  for (const stop of stops) stop();
  return rows;
}

/** Each round has every proxy once, in turns; the first round warms up. */
async function takeTurns(proxies, rounds, measureOne) {
  const names = Object.keys(proxies);
  const samples = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (let turn = 0; turn < names.length; turn += 1) {
      const name = names[(round + turn) % names.length];
      const sample = await measureOne(proxies[name]);
      if (round > 0) samples[name].push(sample);
    }
  }
  return samples;
}

async function flood(proxy, kind, requests) {
  const cpuBefore = readUsage(proxy.pid).cpuUs;
  const startedMs = performance.now();
  let next = 0;
  const worker = async () => {
    while (next < requests) await call(proxy, kind, next++);
  };
  await Promise.all(Array.from({ length: connections }, worker));
  const seconds = (performance.now() - startedMs) / 1000;
  return {
    perSecond: requests / seconds,
    cpuUs: (readUsage(proxy.pid).cpuUs - cpuBefore) / requests,
  };
}

function call({ pool, authorization }, { method, path, body = null }, at) {
  return new Promise((resolve, reject) => {
    let status = 0;
    pool.dispatch(
      { method, path, body, headers: { authorization: authorization(at), revision: '2026-07-15' } },
      {
        onRequestStart() {},
        onResponseStart(_controller, code) {
          status = code;
        },
        onResponseData() {},
        onResponseEnd() {
          if (status === 200) resolve();
          else reject(new Error(`${path} answered ${status}`));
        },
        onResponseError(_controller, error) {
          reject(error);
        },
      },
    );
  });
}

function compare(name, { bare, keyshift }) {
  const of = (samples, field) => median(samples.map((sample) => sample[field]));
  const ratio = median(keyshift.map(({ perSecond }, at) => perSecond / bare[at].perSecond));
  return [
    { name: `${name}, bare`, value: of(bare, 'perSecond'), unit: 'requests/s' },
    { name: `${name}, Keyshift`, value: of(keyshift, 'perSecond'), unit: 'requests/s' },
    { name: `${name}, Keyshift to bare`, value: ratio, unit: '×', aim: { least: 0.7 } },
    { name: `${name}, bare, CPU`, value: of(bare, 'cpuUs'), unit: 'µs a request' },
    { name: `${name}, Keyshift, CPU`, value: of(keyshift, 'cpuUs'), unit: 'µs a request' },
  ];
}

/** Requests begin at fixed times, whether or not earlier ones are answered. */
async function compareLatency(proxies, perSecond, requests) {
  const slice = Math.ceil(requests / 5);
  const samples = await takeTurns(proxies, 5, (proxy) => pace(proxy, perSecond, slice));
  const added = median(samples.keyshift.map((p50, at) => p50 - samples.bare[at]));
  return {
    name: `p50 added at ${perSecond.toFixed(0)} requests/s`,
    value: added,
    unit: 'ms',
    aim: { most: 1 },
  };
}

async function pace(proxy, perSecond, requests) {
  const took = [];
  const startedMs = performance.now();
  const pending = [];
  for (let sent = 0; sent < requests;) {
    const due = ((performance.now() - startedMs) / 1000) * perSecond;
    for (; sent < Math.min(due, requests); sent += 1) {
      const sentAtMs = performance.now();
      pending.push(call(proxy, kinds[0], sent).then(() => took.push(performance.now() - sentAtMs)));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(pending);
  return median(took);
}

/**
 * Memory after a warm-up and at the end. What is kept for each request would show in what a
 * collection leaves; RSS also holds what V8 has not collected yet.
 */
async function measureMemory(keyshift, requests) {
  const read = async () => ({
    rssMiB: readUsage(keyshift.pid).rssMiB,
    keptMiB: (await keyshift.ask('memory')).keptMiB,
  });
  await flood(keyshift, kinds[0], Math.ceil(requests / 10));
  const before = await read();
  await flood(keyshift, kinds[0], requests);
  const after = await read();
  const name = `over ${requests} requests`;
  const kept = after.keptMiB - before.keptMiB;
  return [
    { name: `memory kept ${name}`, value: kept, unit: 'MiB', aim: { most: 2 } },
    { name: `RSS grown ${name}`, value: after.rssMiB - before.rssMiB, unit: 'MiB' },
  ];
}
