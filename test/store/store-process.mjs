/**
 * A store in a process of its own, for tests of what several processes do at once. Waits for a
 * line on its input, opens the store, does `count` small transactions, and prints one JSON line.
 *
 * Arguments: name, count. Environment: DATABASE_URL, KEYSHIFT_KEYS.
 */
import { once } from 'node:events';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { createVault } from '../../src/vault/create-vault.ts';
import { parseKeyring } from '../../src/vault/keyring.ts';
import { openStore } from '../../src/store/open-store.ts';

const [name, count] = process.argv.slice(2);
const { DATABASE_URL: databaseUrl, KEYSHIFT_KEYS: keys } = process.env;
const vault = createVault(parseKeyring(keys), systemRandom);

process.stdout.write('ready\n');
await once(process.stdin, 'data');

const report = { name, errors: [], migrations: 0 };
try {
  const store = await openStore({
    databaseUrl,
    vault,
    clock: systemClock,
    random: systemRandom,
    logger: { debug: () => (report.migrations += 1), warn: () => undefined },
  });
  for (let i = 0; i < Number(count); i += 1) {
    try {
      await writeOnce(store, `${name}-${i}`);
    } catch (error) {
      report.errors.push(String(error));
    }
  }
  // Two processes that share a blind index key find each other's keys.
  report.sharing = await store.privateKeys.findConnectionIds(sharedKey());
  await store.close();
} catch (error) {
  report.errors.push(String(error));
}
process.stdout.write(`${JSON.stringify(report)}\n`);
process.stdin.destroy();

function sharedKey() {
  return new Secret('private_key', 'pk_shared');
}

async function writeOnce(store, customerId) {
  const atMs = systemClock.now();
  await store.transaction(async (tx) => {
    if ((await tx.connections.findByCustomer('counter')) === undefined) {
      await tx.connections
        .insert(newConnection('counter', atMs))
        .catch((error) => error.code === 'stage_conflict' || Promise.reject(error));
    }
    const connection = await tx.connections.insert(newConnection(customerId, atMs));
    await tx.privateKeys.put(connection.id, sharedKey(), atMs);
    await tx.audit.append({ atMs, actor: 'cli', action: 'test', connectionId: 'counter' });
  });
}

function newConnection(customerId, atMs) {
  return {
    id: `connection-${customerId}`,
    customerId,
    stage: 'imported',
    route: 'key',
    createdAtMs: atMs,
    updatedAtMs: atMs,
  };
}
