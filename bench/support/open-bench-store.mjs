import { createLogger } from '../../dist/runtime/logger.js';
import { systemClock } from '../../dist/runtime/clock.js';
import { systemRandom } from '../../dist/runtime/random.js';
import { openStore } from '../../dist/store/open-store.js';
import { createVault } from '../../dist/vault/create-vault.js';
import { generateKeyringEntry, parseKeyring } from '../../dist/vault/keyring.js';

/** A store with a vault of its own, and what else an engine stands on. */
export async function openBenchStore(databaseUrl) {
  const shared = {
    clock: systemClock,
    random: systemRandom,
    logger: createLogger({ level: 'silent' }),
  };
  const vault = createVault(parseKeyring(generateKeyringEntry(systemRandom)), systemRandom);
  return { ...shared, store: await openStore({ ...shared, databaseUrl, vault }) };
}
