import { Kysely } from 'kysely';
import { isKeyshiftError, type KeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Random } from '../runtime/random.ts';
import { createBlindIndex } from '../vault/blind-index.ts';
import type { Vault } from '../vault/vault.ts';
import { createAuditChain } from './audit-chain.ts';
import { loadBlindIndexKey } from './blind-index-key.ts';
import type { DatabaseBackend } from './database-backend.ts';
import { databaseUnavailable } from './database-unavailable.ts';
import { parseDatabaseUrl } from './database-url.ts';
import { createDatabase, type Database } from './database.ts';
import { migrate } from './migrate.ts';
import type { Schema } from './schema.ts';
import { createSealer } from './sealer.ts';
import type { PostgresLimits } from './postgres-backend.ts';
import { openSqliteBackend } from './sqlite-backend.ts';
import type { Durability } from './sqlite-session.ts';
import { createStore, type Store } from './store.ts';

/** What {@link openStore} needs. */
export interface OpenStoreOptions {
  /** `sqlite:./path`, `sqlite::memory:` or `postgres://…`, as in `DATABASE_URL`. */
  readonly databaseUrl: string;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly random: Random;
  /** What a SQLite file survives; a power cut by default. */
  readonly durability?: Durability;
  /** What this process takes of a PostgreSQL server, where it is not the default. */
  readonly postgresLimits?: Partial<PostgresLimits>;
  /** Told about migrations and connections that broke while idle. */
  readonly logger?: Pick<Logger, 'debug' | 'warn'>;
}

/**
 * Opens the store: creates the SQLite file where there is none, brings the schema up to date, and
 * proves that the vault's keys fit the database.
 *
 * Throws `config_invalid` when the URL cannot be read, `database_unavailable` when the database
 * cannot be reached, read or written or belongs to a newer Keyshift, and `keyring_mismatch` when
 * it is sealed under other keys. None of them shows the URL's password.
 *
 * @example
 * ```ts
 * const vault = createVault(parseKeyring(keys), systemRandom);
 * const store = await openStore({
 *   databaseUrl: 'sqlite:./data/keyshift.db', vault, clock: systemClock, random: systemRandom,
 * });
 * const connection = await store.connections.findByCustomer('acme');
 * await store.close();
 * ```
 */
export async function openStore(options: OpenStoreOptions): Promise<Store> {
  const { vault, clock, random, logger } = options;
  const backend = await openBackend(options);
  const kysely = new Kysely<Schema>({ dialect: backend.dialect });
  const database = createDatabase(kysely, backend, random);
  try {
    const sealer = createSealer(vault);
    const { label } = backend;
    const loadBlindIndex = async (of: Database) =>
      createBlindIndex(await loadBlindIndexKey({ database: of, sealer, clock, random, label }));
    const migrations = await migrate(kysely, backend, async (db) => {
      const blindIndex = await loadBlindIndex(createDatabase(db, backend, random));
      return { chain: createAuditChain(blindIndex, random), nowMs: clock.now() };
    });
    if (migrations.length > 0) logger?.debug({ migrations }, 'database schema brought up to date');
    return createStore(database, sealer, await loadBlindIndex(database), random);
  } catch (error) {
    await database.close().catch(() => undefined); // The first error is the one to show.
    throw toOpenError(backend, error);
  }
}

async function openBackend({
  databaseUrl,
  logger,
  random,
  durability,
  postgresLimits = {},
}: OpenStoreOptions): Promise<DatabaseBackend> {
  const address = parseDatabaseUrl(databaseUrl);
  if (address.kind === 'sqlite') {
    return openSqliteBackend(address.path, address.label, random, durability);
  }
  // Its driver weighs megabytes, which a server on SQLite need not carry.
  const { createPostgresBackend } = await import('./postgres-backend.ts');
  return createPostgresBackend(address, postgresLimits, ({ message }) => {
    // The message alone: the error holds the connection with everything it was opened with.
    logger?.warn({ reason: message }, 'an idle database connection broke');
  });
}

function toOpenError(backend: DatabaseBackend, error: unknown): KeyshiftError {
  if (isKeyshiftError(error)) return error;
  const message = error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error);
  return databaseUnavailable(backend.label, backend.describeOutage(error) ?? message, error);
}
