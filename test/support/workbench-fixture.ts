import { readCustomers } from '../../src/migration/import/customer-file.ts';
import {
  importCustomers,
  type ImportIssue,
  type ImportOptions,
  type ImportReport,
} from '../../src/migration/import/import-customers.ts';
import { createInvitations, type Invitations } from '../../src/migration/consent/invitations.ts';
import { createStageMachine, type StageMachine } from '../../src/migration/stage-machine.ts';
import { createManualClock, type ManualClock } from '../../src/runtime/clock.ts';
import { systemRandom, type Random } from '../../src/runtime/random.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { openStore } from '../../src/store/open-store.ts';
import {
  parseConnection,
  type Connection,
  type ConnectionColumns,
  type NewConnection,
} from '../../src/model/connection.ts';
import type { Grant, TokenPair } from '../../src/model/grant.ts';
import type { Store } from '../../src/store/store.ts';
import { createVault } from '../../src/vault/create-vault.ts';
import { generateKeyringEntry, parseKeyring } from '../../src/vault/keyring.ts';

/** The client id of the grants that a bench saves. */
export const benchClientId = 'app-one';

/** A store in memory with the parts of the migration that stand on it, at a time that stands still. */
export interface TestBench extends AsyncDisposable {
  readonly clock: ManualClock;
  readonly random: Random;
  readonly store: Store;
  readonly machine: StageMachine;
  readonly sessionSecret: Secret<'session_secret'>;
  readonly invitations: Invitations;
  /** Inserts a connection as it is, with a private key where `key` is given. */
  add(customerId: string, fields?: ConnectionFields): Promise<Connection>;
  /** The connection of a customer as it is stored now. */
  read(customerId: string): Promise<Connection>;
  /** The customer's audit log: `from → to, actor` with the reason behind a colon. */
  auditOf(customerId: string): Promise<string[]>;
  /** Imports CSV text. */
  importCsv(
    csv: string,
    options?: Partial<ImportOptions>,
  ): Promise<ImportReport & { readonly issues: readonly ImportIssue[] }>;
  /** Saves a consent for the account, with tokens named after it. */
  grant(accountId: string, fields?: Partial<TokenPair>): Promise<Grant>;
}

/** Columns of a new connection, and its private key. */
export type ConnectionFields = Partial<Omit<ConnectionColumns, 'version' | 'key'>> & {
  readonly key?: string;
};

/** A private key that parses; the text makes it one of a kind. */
export function privateKey(text: string): Secret<'private_key'> {
  return new Secret('private_key', `pk_${text.replaceAll(/[^A-Za-z0-9]/g, '')}0123456789abcdef`);
}

/**
 * Opens a bench over an empty database in memory.
 *
 * @example
 * ```ts
 * await using bench = await openTestBench();
 * const connection = await bench.add('acme', { stage: 'checked', accountId: 'AAA111' });
 * ```
 */
export async function openTestBench(): Promise<TestBench> {
  const clock = createManualClock();
  const random = systemRandom;
  const vault = createVault(parseKeyring(generateKeyringEntry(random)), random);
  const store = await openStore({ databaseUrl: 'sqlite::memory:', vault, clock, random });
  const machine = createStageMachine(clock);
  const sessionSecret = new Secret('session_secret', 'session-secret-of-the-bench-01234567');
  const read = async (customerId: string) => {
    const connection = await store.connections.findByCustomer(customerId);
    if (!connection) throw new Error(`the bench has no customer ${customerId}`);
    return connection;
  };
  return {
    clock,
    random,
    store,
    machine,
    sessionSecret,
    invitations: createInvitations({ store, machine, clock, random, sessionSecret }),
    add: (customerId, fields) => addConnection(store, clock, customerId, fields),
    read,
    async auditOf(customerId) {
      const events = await store.audit.listByConnection((await read(customerId)).id);
      return events.map(
        ({ fromStage, toStage, actor, reason }) =>
          `${fromStage ?? 'nothing'} → ${toStage ?? 'nothing'}, ${actor}${reason === undefined ? '' : `: ${reason}`}`,
      );
    },
    async importCsv(csv, options) {
      const issues: ImportIssue[] = [];
      const report = await importCustomers(readCustomers(csv), {
        ...{ store, machine, clock, random, actor: 'test' },
        onIssue: (issue) => issues.push(issue),
        ...options,
      });
      return { ...report, issues };
    },
    grant: (accountId, fields) =>
      store.grants.saveConsent(
        { clientId: benchClientId, accountId, id: random.id() },
        tokenPair(accountId, clock.now(), fields),
      ),
    [Symbol.asyncDispose]: () => store.close(),
  };
}

async function addConnection(
  store: Store,
  clock: ManualClock,
  customerId: string,
  { key, ...fields }: ConnectionFields = {},
): Promise<Connection> {
  const columns: ConnectionColumns = {
    id: `connection-${customerId}`,
    customerId,
    accountId: undefined,
    accountName: undefined,
    email: undefined,
    name: undefined,
    stage: 'imported',
    attentionReason: fields.stage === 'attention' ? 'grant_lost' : undefined,
    attentionFrom: undefined,
    route: 'key',
    liveSinceMs: undefined,
    canaryPercent: undefined,
    shadowPercent: undefined,
    watchedSinceMs: undefined,
    createdAtMs: clock.now(),
    updatedAtMs: clock.now(),
    key: 'held',
    version: 1,
    ...fields,
  };
  const connection = await store.connections.insert(parseConnection(columns) as NewConnection);
  if (key === undefined) return connection;
  const secret = new Secret('private_key', key);
  await store.privateKeys.put(connection.id, secret, clock.now());
  const { accountId } = connection;
  // A connection that knows its account has it from the check of its key.
  if (accountId !== undefined) await store.privateKeys.prove(connection.id, secret, accountId);
  return (await store.connections.findById(connection.id)) ?? connection;
}

/** A pair whose tokens are made of `name`, alive for an hour. */
export function tokenPair(name: string, nowMs: number, fields: Partial<TokenPair> = {}): TokenPair {
  return {
    accessToken: new Secret('access_token', `access-token-of-${name}`),
    refreshToken: new Secret('refresh_token', `refresh-token-of-${name}`),
    scope: 'accounts:read profiles:read',
    expiresAtMs: nowMs + 3_600_000,
    obtainedAtMs: nowMs,
    ...fields,
  };
}
