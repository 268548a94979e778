import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { Secret } from '../../src/runtime/secret.ts';
import {
  createSampleSeed,
  startSandbox,
  type Sandbox,
  type SandboxOptions,
} from '../../src/sandbox.ts';
import { createTestClient } from './sandbox-client.ts';
import type { Grant, TokenPair } from '../../src/model/grant.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';
import type { RefreshBudgets } from '../../src/tokens/refresh-policy.ts';
import { createVault } from '../../src/vault/create-vault.ts';
import { generateKeyringEntry, parseKeyring } from '../../src/vault/keyring.ts';
import type { TestDatabase } from './databases.ts';
import type { EngineSetup } from './engine-process-messages.ts';
import { executeRaw, type RawRow } from './raw-database.ts';

/** A sandbox, a database, and the ground on which engine processes work. */
export interface EngineRig extends AsyncDisposable {
  readonly sandbox: Sandbox;
  /** The test's own view of the store. */
  readonly store: Store;
  readonly setup: EngineSetup;
  /** Consents for an account of its own and stores the pair, with fields replaced. */
  consent(fields?: Partial<TokenPair>): Promise<Grant>;
  /** A customer of the account whose traffic uses OAuth. */
  connect(accountId: string, customerId: string): Promise<void>;
  stored(grant: Grant): Promise<Grant>;
  /** The row of a grant, byte by byte. */
  row(grant: Grant): Promise<RawRow>;
}

/** How {@link openEngineRig} differs from the usual. */
export interface EngineRigOptions {
  readonly createDatabase: () => Promise<TestDatabase>;
  readonly sandbox?: SandboxOptions;
  readonly budgets?: RefreshBudgets;
  readonly accounts?: number;
}

/**
 * Longer than any machine is busy: where a budget is to run out, the test moves a clock. The
 * network's own deadlines lie above the first.
 */
export const testBudgets: RefreshBudgets = { httpMs: 40_000, leaseMs: 60_000, waitMs: 240_000 };

/** Starts a sandbox without rate limits beside an empty database. */
export async function openEngineRig(options: EngineRigOptions): Promise<EngineRig> {
  const database = await options.createDatabase();
  const seed = createSampleSeed({ customers: options.accounts ?? 4 });
  const sandbox = await startSandbox({
    seed,
    limits: false,
    ...options.sandbox,
    settings: { consistency: 'immediate', ...options.sandbox?.settings },
  });
  const client = createTestClient(sandbox);
  const app = seed.apps[0]!;
  const accountIds = seed.accounts.map(({ id }) => id);
  const keys = generateKeyringEntry(systemRandom);
  const store = await openStore({
    databaseUrl: database.url,
    vault: createVault(parseKeyring(keys), systemRandom),
    clock: systemClock,
    random: systemRandom,
  });
  return {
    sandbox,
    store,
    setup: {
      databaseUrl: database.url,
      keys,
      sandboxUrl: sandbox.url,
      clientId: app.clientId,
      clientSecret: app.clientSecret,
      budgets: options.budgets ?? testBudgets,
    },
    async consent(fields) {
      const accountId = accountIds.shift();
      if (accountId === undefined) throw new Error('the rig has no account left');
      const tokens = await client.install(accountId, app);
      const nowMs = (options.sandbox?.clock ?? systemClock).now();
      const key = { clientId: app.clientId, accountId, id: systemRandom.id() };
      return store.grants.saveConsent(key, {
        accessToken: new Secret('access_token', tokens.access_token),
        refreshToken: new Secret('refresh_token', tokens.refresh_token),
        scope: tokens.scope,
        expiresAtMs: nowMs + tokens.expires_in * 1000,
        obtainedAtMs: nowMs,
        ...fields,
      });
    },
    connect: (accountId, customerId) => connect(store, accountId, customerId),
    async stored({ id }) {
      const grant = await store.grants.findById(id);
      if (!grant) throw new Error(`there is no grant ${id}`);
      return grant;
    },
    async row({ id }) {
      const rows = await executeRaw(database.url, `select * from grants where id = '${id}'`);
      return { ...rows[0] };
    },
    async [Symbol.asyncDispose]() {
      await store.close();
      await sandbox.close();
      await database.drop();
    },
  };
}

async function connect(store: Store, accountId: string, customerId: string): Promise<void> {
  const nowMs = systemClock.now();
  await store.connections.insert({
    id: `connection-${customerId}`,
    customerId,
    accountId,
    accountName: undefined,
    email: undefined,
    name: undefined,
    stage: 'live',
    attentionReason: undefined,
    attentionFrom: undefined,
    route: 'oauth',
    liveSinceMs: nowMs,
    canaryPercent: undefined,
    shadowPercent: undefined,
    watchedSinceMs: undefined,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  });
}
