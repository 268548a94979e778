/** A whole Keyshift as `keyshift serve` runs it, with customers on both routes. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createApp } from '../../dist/http/create-app.js';
import { startServer } from '../../dist/http/start-server.js';
import { findFreePort } from '../../dist/runtime/free-port.js';
import { Secret } from '../../dist/runtime/secret.js';
import { openKeyshift, seedGrants } from './bench-keyshift.mjs';

const [, , apiUrl, folder, count] = process.argv;
const keyshift = await openKeyshift({ folder, apiUrl, port: await findFreePort() });
const { store, clock, random, config } = keyshift;
const nowMs = clock.now();
const accounts = await seedGrants(store, config.client.clientId, {
  count: Number(count),
  obtainedAtMs: nowMs,
  random,
});
const keys = [];
for (const [at, accountId] of accounts.entries()) {
  const onOAuth = at % 2 === 0;
  const id = `connection-${at}`;
  await store.connections.insert({
    id,
    customerId: `customer-${at}`,
    accountId,
    accountName: undefined,
    email: undefined,
    name: undefined,
    stage: onOAuth ? 'live' : 'verified',
    attentionReason: undefined,
    attentionFrom: undefined,
    route: onOAuth ? 'oauth' : 'key',
    liveSinceMs: onOAuth ? nowMs : undefined,
    canaryPercent: undefined,
    shadowPercent: undefined,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  });
  const key = `pk_${String(at).padStart(34, '0')}`;
  await store.privateKeys.put(id, new Secret('private_key', key), nowMs);
  keys.push(key);
}
const server = await startServer(keyshift.face, createApp(keyshift.face));
process.send({ url: server.url, pid: process.pid, keys });
// What is kept, not what waits for a collection.
process.on('message', () => {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  const { heapUsed, external } = process.memoryUsage();
  process.send({ keptMiB: (heapUsed + external) / 2 ** 20 });
});
process.on('disconnect', () => process.exit(0));
