import type { Dispatcher } from 'undici';
import { createAccountLookup, type LookUpAccount } from '../calls/account-lookup.ts';
import { createReadKeyScopes, type ReadKeyScopes } from '../calls/key-scopes.ts';
import { createInvitations, type Invitations } from '../migration/consent/invitations.ts';
import { createStageMachine, type StageMachine } from '../migration/stage-machine.ts';
import { systemClock, type Clock } from '../runtime/clock.ts';
import { createExitStack } from '../runtime/exit-stack.ts';
import { createHttpClient, type HttpClient } from '../runtime/http-client.ts';
import { createLogger, type Logger } from '../runtime/logger.ts';
import { systemRandom, type Random } from '../runtime/random.ts';
import { openStore } from '../store/open-store.ts';
import type { Durability } from '../store/sqlite-session.ts';
import type { Store } from '../store/store.ts';
import { createVault } from '../vault/create-vault.ts';
import type { KeyshiftConfig } from './config.ts';
import { createOutreach, type Outreach } from './outreach.ts';

/** What may be replaced for tests and rehearsals. */
export interface RuntimeOptions {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  /** What a SQLite file survives; a power cut by default. */
  readonly durability?: Durability;
  /** Carries every call to Klaviyo, in place of connections of Keyshift's own. Never closed. */
  readonly dispatcher?: Dispatcher;
}

/** The part of Keyshift that works without an OAuth app: store, keys, invitations. */
export interface Workbench {
  readonly config: KeyshiftConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly http: HttpClient;
  readonly store: Store;
  readonly machine: StageMachine;
  readonly lookUpAccount: LookUpAccount;
  readonly readKeyScopes: ReadKeyScopes;
  readonly invitations: Invitations;
  readonly outreach: Outreach;
  close(): Promise<void>;
}

/**
 * Opens the store and what stands on it alone: enough to import, check, invite and report.
 *
 * @throws KeyshiftError `database_unavailable`, `keyring_mismatch`
 */
export async function openWorkbench(
  config: KeyshiftConfig,
  runtime: RuntimeOptions = {},
): Promise<Workbench> {
  const clock = runtime.clock ?? systemClock;
  const random = runtime.random ?? systemRandom;
  const logger = runtime.logger ?? createLogger({ level: config.logLevel });
  for (const warning of config.warnings) logger.warn(warning);
  const exit = createExitStack();
  const vault = createVault(config.keyring, random);
  const store = await openStore({
    databaseUrl: config.databaseUrl.reveal(),
    postgresLimits: config.postgresLimits,
    vault,
    clock,
    random,
    logger,
    ...(runtime.durability ? { durability: runtime.durability } : {}),
  });
  const http = createHttpClient({ dispatcher: runtime.dispatcher, clock });
  exit.defer(() => http.close());
  exit.defer(() => store.close());
  const machine = createStageMachine(clock);
  const { sessionSecret, revision } = config;
  const api = { http, clock, random, apiUrl: config.endpoints.apiUrl, revision };
  const invitations = createInvitations({ store, machine, clock, random, sessionSecret });
  return {
    config,
    clock,
    random,
    logger,
    http,
    store,
    machine,
    lookUpAccount: createAccountLookup(api),
    readKeyScopes: createReadKeyScopes(api),
    invitations,
    outreach: createOutreach({ config, store, invitations, http, clock, random }),
    close: exit.close,
  };
}
