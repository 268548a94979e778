/**
 * Refreshes a second of the sweeper at 10,000 and 100,000 grants, and what a cached grant weighs.
 * The token endpoint is a stub in this process, so that the store and the engine are measured.
 *
 *   [DATABASE_URL=postgres://…] node bench/sweeper.mjs [refreshes measured]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '../dist/runtime/logger.js';
import { systemRandom } from '../dist/runtime/random.js';
import { Secret } from '../dist/runtime/secret.js';
import { openStore } from '../dist/store/open-store.js';
import { createSweeper } from '../dist/tokens/sweeper.js';
import { createTokenEngine } from '../dist/tokens/token-engine.js';
import { createVault } from '../dist/vault/create-vault.js';
import { generateKeyringEntry, parseKeyring } from '../dist/vault/keyring.js';

const measured = Number(process.argv[2] ?? 4000);
const folder = mkdtempSync(join(tmpdir(), 'keyshift-bench-'));
const clock = { now: () => Date.now(), sleep: (ms) => new Promise((done) => setTimeout(done, ms)) };
const logger = createLogger({ level: 'silent' });
const clientId = 'bench-app';
const token = (kind, name) => new Secret(kind, `${name}${'x'.repeat(500)}`);

const results = [];
try {
  for (const grants of [10_000, 100_000]) results.push(await run(grants));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const [small, large] = results;
console.log(
  `CPU a refresh grows by ${(large.cpuUs / small.cpuUs).toFixed(2)} × for 10 × the grants`,
);

async function run(grants) {
  const databaseUrl = process.env.DATABASE_URL ?? `sqlite:${join(folder, `${grants}.db`)}`;
  const vault = createVault(parseKeyring(generateKeyringEntry(systemRandom)), systemRandom);
  const store = await openStore({ databaseUrl, vault, clock, random: systemRandom });
  const client = `${clientId}-${grants}`;
  await seed(store, client, grants);
  let refreshes = 0;
  const oauth = {
    clientId: client,
    refresh: () =>
      Promise.resolve({
        kind: 'granted',
        tokens: {
          accessToken: token('access_token', `a${(refreshes += 1)}`),
          refreshToken: token('refresh_token', `r${refreshes}-${grants}`),
          expiresInSec: 3600,
          scope: 'accounts:read',
        },
      }),
  };
  const shared = { clock, random: systemRandom, logger };
  const tokens = createTokenEngine({ ...shared, store, oauth });
  const sweeper = createSweeper({
    ...shared,
    grants: store.grants,
    tokens,
    clientId: client,
    ratePerSec: 1e6,
  });
  const stop = new AbortController();
  const before = process.cpuUsage();
  const startedMs = performance.now();
  await sweeper.sweep(stop.signal, (done) => {
    if (done >= measured) stop.abort();
  });
  const seconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(before);
  const cpuUs = (user + system) / refreshes;
  console.log(
    `${grants} grants: ${(refreshes / seconds).toFixed(0)} refreshes/s, ${cpuUs.toFixed(0)} µs CPU a refresh`,
  );
  await readAndCache(store, tokens, client);
  await store.close();
  return { cpuUs };
}

async function seed(store, client, grants) {
  const obtainedAtMs = Date.now() - 3_600_000;
  for (let from = 0; from < grants; from += 500) {
    await store.transaction(async (tx) => {
      for (let index = from; index < Math.min(from + 500, grants); index += 1) {
        await tx.grants.saveConsent(
          { clientId: client, accountId: `acc${index}`, id: systemRandom.id() },
          {
            accessToken: token('access_token', `a${index}`),
            refreshToken: token('refresh_token', `r${index}-${grants}`),
            scope: 'accounts:read',
            expiresAtMs: obtainedAtMs + 3_600_000,
            obtainedAtMs,
          },
        );
      }
    });
  }
}

/** Reads 10,000 live grants through the engine: the cost of a read, and the memory of the cache. */
async function readAndCache(store, tokens, client) {
  const count = Math.min(measured, 10_000);
  globalThis.gc?.();
  const heapBefore = process.memoryUsage().heapUsed;
  const before = process.cpuUsage();
  for (let index = 0; index < count; index += 1) {
    await store.grants.find({ clientId: client, accountId: `acc${index}` });
  }
  const { user, system } = process.cpuUsage(before);
  for (let index = 0; index < count; index += 1) {
    await tokens.liveGrant({ clientId: client, accountId: `acc${index}` }).catch(() => undefined);
  }
  globalThis.gc?.();
  const perGrant = (process.memoryUsage().heapUsed - heapBefore) / count;
  console.log(
    `  read and opened from the store: ${((user + system) / count).toFixed(0)} µs CPU; ` +
      `10,000 cached grants: ${((perGrant * 10_000) / 1e6).toFixed(1)} MB` +
      (globalThis.gc ? '' : ' (run with --expose-gc for a true figure)'),
  );
}
