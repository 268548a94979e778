import { createRequire } from 'node:module';
import { Pool } from 'undici';
import { createSession } from '../dist/klaviyo-api.js';
import { openKeyshift, seedGrants } from './support/bench-keyshift.mjs';
import { measureInTurns, medianOf, medianRatio } from './support/rounds.mjs';
import { createScratchFolder } from './support/scratch-folder.mjs';
import { startHelper } from './support/start-helper.mjs';

export const about =
  'cost of a call, 32 at once: connection.fetch over 100 accounts, bare undici, the official SDK';

const atOnce = 32;
const path = '/api/events';

/** The three ways in turns, CPU of this process only: the API runs in its own. */
export async function measure({ quick }) {
  const size = { rounds: quick ? 20 : 60, operations: 1_500, atOnce };
  const upstream = await startHelper('upstream-process');
  const { url } = upstream.ready;
  const keyshift = await openKeyshift({ folder: createScratchFolder(), apiUrl: url });
  const pool = new Pool(url, { connections: atOnce });
  try {
    const { store, random, clock, config } = keyshift;
    const { clientId } = config.client;
    const obtainedAtMs = clock.now();
    const accountIds = await seedGrants(store, clientId, { count: 100, obtainedAtMs, random });
    const cases = createCases(keyshift, pool, url, accountIds);
    const samples = await measureInTurns(cases, size);
    const { undici, keyshift: ours, session, sdk } = samples;
    return [
      { name: 'undici Pool.request', value: medianOf(undici, 'cpuUs'), unit: 'µs CPU a call' },
      { name: 'connection.fetch', value: medianOf(ours, 'cpuUs'), unit: 'µs CPU a call' },
      {
        name: 'klaviyo-api over our session',
        value: medianOf(session, 'cpuUs'),
        unit: 'µs CPU a call',
      },
      { name: 'klaviyo-api alone', value: medianOf(sdk, 'cpuUs'), unit: 'µs CPU a call' },
      { name: 'undici Pool.request', value: medianOf(undici, 'perSecond'), unit: 'calls/s' },
      { name: 'connection.fetch', value: medianOf(ours, 'perSecond'), unit: 'calls/s' },
      {
        name: 'klaviyo-api over our session',
        value: medianOf(session, 'perSecond'),
        unit: 'calls/s',
      },
      { name: 'klaviyo-api alone', value: medianOf(sdk, 'perSecond'), unit: 'calls/s' },
      {
        name: 'CPU of connection.fetch over undici',
        value: medianRatio(ours, undici, 'cpuUs'),
        unit: '×',
        aim: { most: 1.5 },
      },
      {
        name: 'calls/s of connection.fetch over klaviyo-api',
        value: medianRatio(ours, sdk, 'perSecond'),
        unit: '×',
        aim: { least: 4 },
      },
    ];
  } finally {
    await pool.close();
    await keyshift.close();
    upstream.stop();
  }
}

function createCases(keyshift, pool, url, accountIds) {
  // Of another module system, and large: loaded by whoever measures it only.
  const klaviyo = createRequire(import.meta.url)('klaviyo-api');
  const token = 'x'.repeat(536);
  const headers = { authorization: `Bearer ${token}`, revision: '2026-07-15' };
  const connections = accountIds.map((accountId) => keyshift.connection({ accountId }));
  let next = 0;
  const alone = new klaviyo.EventsApi(new klaviyo.OAuthBasicSession(token));
  alone.basePath = url;
  const sessions = connections.map((connection) => {
    const api = new klaviyo.EventsApi(createSession(connection));
    api.basePath = url;
    return api;
  });
  return {
    undici: async () => {
      const reply = await pool.request({ method: 'GET', path, headers });
      await reply.body.json();
    },
    keyshift: async () => {
      const reply = await connections[next++ % connections.length].fetch(path);
      if (!reply.ok) throw new Error(`connection.fetch: ${reply.status}`);
      await reply.json();
    },
    session: () => sessions[next++ % sessions.length].getEvents(),
    sdk: () => alone.getEvents(),
  };
}
