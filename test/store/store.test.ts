import { afterAll, beforeAll, describe, it } from 'vitest';
import {
  createPostgresDatabase,
  createSqliteDatabase,
  type TestDatabase,
} from '../support/databases.ts';
import { executeRaw } from '../support/raw-database.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { createVault } from '../../src/vault/create-vault.ts';
import { generateKeyringEntry, parseKeyring } from '../../src/vault/keyring.ts';
import { openStore } from '../../src/store/open-store.ts';
import { storeContract } from './store-contract.ts';

const vault = createVault(parseKeyring(generateKeyringEntry(systemRandom)), systemRandom);
const open = (databaseUrl: string) =>
  openStore({ databaseUrl, vault, clock: systemClock, random: systemRandom });

describe('the store contract on SQLite', () => {
  const cases = storeContract(async () => {
    const { url, drop } = await createSqliteDatabase();
    return { open: () => open(url), drop };
  });
  it.each(cases)('$name', ({ run }) => run());
});

describe('the store contract on PostgreSQL', () => {
  const tables =
    'connections, private_keys, grants, authorizations, invitations, audit_events, ' +
    'sweep_turns, connection_labels, outbox, opt_outs, traffic, switches, route_exceptions, key_sightings, shadow_results, ' +
    'verification_checks, foreign_consents, retirements, metric_snapshots, metric_comparisons';
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createPostgresDatabase();
    await (await open(database.url)).close();
    await executeRaw(database.url, 'create table first_head as select * from audit_head');
  });
  afterAll(() => database.drop());

  // One database for all cases, emptied after each: making one takes longer than most cases.
  const cases = storeContract(() =>
    Promise.resolve({
      open: () => open(database.url),
      drop: async () => {
        await executeRaw(
          database.url,
          `alter table audit_events disable trigger user;
           truncate ${tables};
           alter table audit_events enable trigger user;
           truncate audit_head;
           insert into audit_head select * from first_head`,
        );
      },
    }),
  );
  it.each(cases)('$name', ({ run }) => run());
});
