/**
 * Cost of a call: `connection.fetch` against bare `undici.request` and the official SDK, in turns
 * in one run, CPU of this process only (the sandbox runs in its own). Prints medians and ratios.
 *
 *   node bench/calls.mjs [calls a round] [rounds]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'undici';
import { createKeyshift, readConfig } from '../dist/index.js';

const calls = Number(process.argv[2] ?? 4000);
const rounds = Number(process.argv[3] ?? 7);
const atOnce = 32;
const folder = mkdtempSync(join(tmpdir(), 'keyshift-bench-'));
const app = { clientId: 'bench-app', clientSecret: 'bench-secret' };
const redirectUri = 'http://localhost:5999/auth/callback';

const sandbox = fork(new URL('./sandbox-process.mjs', import.meta.url).pathname, [
  redirectUri,
  app.clientId,
  app.clientSecret,
  '4',
]);
const [{ url, accounts }] = await once(sandbox, 'message');
const keyshift = await createKeyshift(
  readConfig({
    CLIENT_ID: app.clientId,
    CLIENT_SECRET: app.clientSecret,
    REDIRECT_URI: redirectUri,
    KLAVIYO_SCOPES: 'accounts:read profiles:read',
    KLAVIYO_AUTHORIZE_URL: `${url}/oauth/authorize`,
    KLAVIYO_TOKEN_URL: `${url}/oauth/token`,
    KLAVIYO_REVOKE_URL: `${url}/oauth/revoke`,
    KLAVIYO_API_URL: url,
    DATABASE_URL: `sqlite:${join(folder, 'bench.db')}`,
    KEYSHIFT_KEYS: `bench:${Buffer.alloc(32, 1).toString('base64')}`,
    SESSION_SECRET: 'only for this benchmark, in a folder that is removed',
    KEYSHIFT_ADMIN_PASSWORD: 'only-for-this-run',
    KEYSHIFT_SERVICE_TOKENS: 'bench:only-for-this-run-of-a-bench',
    LOG_LEVEL: 'silent',
  }),
);
const accountId = accounts[0];
const path = '/api/metrics';

try {
  const token = await consent();
  const connection = keyshift.connection({ accountId });
  const pool = new Pool(url, { connections: atOnce });
  const headers = { authorization: `Bearer ${token}`, revision: '2026-07-15' };
  const klaviyo = createRequire(import.meta.url)('klaviyo-api');
  const session = new klaviyo.OAuthBasicSession(token);
  const api = new klaviyo.MetricsApi(session);
  api.basePath = url;

  const cases = {
    'undici Pool.request': async () => {
      const reply = await pool.request({ method: 'GET', path, headers });
      await reply.body.json();
    },
    'connection.fetch': async () => {
      const reply = await connection.fetch(path);
      if (!reply.ok) throw new Error(`connection.fetch: ${reply.status}`);
      await reply.json();
    },
    'klaviyo-api': async () => void (await api.getMetrics()),
  };
  const samples = new Map(Object.keys(cases).map((name) => [name, []]));
  for (let round = -1; round < rounds; round += 1) {
    for (const [name, call] of Object.entries(cases)) {
      const sample = await measure(call);
      if (round >= 0) samples.get(name).push(sample);
    }
  }
  const medians = new Map([...samples].map(([name, all]) => [name, median(all)]));
  const bare = medians.get('undici Pool.request');
  const sdk = medians.get('klaviyo-api');
  for (const [name, { cpuUs, perSecond }] of medians) {
    console.log(
      `${name.padEnd(22)}${cpuUs.toFixed(0).padStart(5)} µs CPU a call, ` +
        `${perSecond.toFixed(0).padStart(6)} calls/s, ` +
        `${(cpuUs / bare.cpuUs).toFixed(2)} × undici's CPU, ` +
        `${(perSecond / sdk.perSecond).toFixed(2)} × the SDK's calls/s`,
    );
  }
  await pool.close();
} finally {
  await keyshift.close();
  sandbox.disconnect();
  rmSync(folder, { recursive: true, force: true });
}

async function measure(call) {
  const startedMs = performance.now();
  const before = process.cpuUsage();
  let next = 0;
  const worker = async () => {
    while (next++ < calls) await call();
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - startedMs) / 1000;
  return { cpuUs: (user + system) / calls, perSecond: calls / seconds };
}

function median(all) {
  const middle = (of) => of.toSorted((a, b) => a - b)[Math.floor(of.length / 2)];
  return {
    cpuUs: middle(all.map(({ cpuUs }) => cpuUs)),
    perSecond: middle(all.map(({ perSecond }) => perSecond)),
  };
}

/** A grant as a consent gives it, by the real flow. */
async function consent() {
  const attempt = await keyshift.authorizations.start();
  const form = new URL(attempt.url).searchParams;
  form.set('account', accountId);
  form.set('decision', 'allow');
  const answer = await fetch(`${url}/oauth/authorize`, {
    method: 'POST',
    body: form,
    redirect: 'manual',
  });
  const query = new URL(answer.headers.get('location')).searchParams;
  const admitted = await keyshift.authorizations.admit(query.get('state'), () => attempt.nonce);
  const { pair } = await keyshift.completeConsent(admitted, query);
  return pair.accessToken.reveal();
}
