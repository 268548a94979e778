import { describe, it } from 'vitest';
import { createPostgresDatabase, createSqliteDatabase } from '../../test/support/databases.ts';
import { systemClock } from '../runtime/clock.ts';
import { systemRandom } from '../runtime/random.ts';
import { createVault } from '../vault/create-vault.ts';
import { generateKeyringEntry, parseKeyring } from '../vault/keyring.ts';
import { openStore } from './open-store.ts';
import { storeContract } from './store-contract.ts';

const vault = createVault(parseKeyring(generateKeyringEntry(systemRandom)), systemRandom);

describe.each([
  ['SQLite', createSqliteDatabase],
  ['PostgreSQL', createPostgresDatabase],
])('the store contract on %s', (_name, createDatabase) => {
  const cases = storeContract(async () => {
    const { url, drop } = await createDatabase();
    return {
      drop,
      open: () => openStore({ databaseUrl: url, vault, clock: systemClock, random: systemRandom }),
    };
  });
  it.each(cases)('$name', ({ run }) => run());
});
