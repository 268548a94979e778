import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Random } from '../runtime/random.ts';
import type { BlindIndex } from '../vault/blind-index.ts';
import { createAuditChain, type AuditChain } from './audit-chain.ts';
import { createAuditStore, type AuditStore } from './audit.ts';
import { createAuthorizationStore, type AuthorizationStore } from './authorizations.ts';
import { createConnectionStore, type ConnectionStore } from './connections.ts';
import type { Database, RootDatabase } from './database.ts';
import { createGrantMapper, type GrantMapper } from './grant-row.ts';
import { createGrantStore, type GrantStore } from './grants.ts';
import { createInvitationStore, type InvitationStore } from './invitations.ts';
import {
  createForeignConsentStore,
  createMetricRecordStore,
  createRetirementStore,
  createVerificationStore,
  type ForeignConsentStore,
  type MetricRecordStore,
  type RetirementStore,
  type VerificationStore,
} from './journey.ts';
import { createLabelStore, type LabelStore } from './labels.ts';
import {
  createKeySightingStore,
  createShadowStore,
  type KeySightingStore,
  type ShadowStore,
} from './observations.ts';
import { createOptOutStore, type OptOutStore } from './opt-outs.ts';
import { createOutboxStore, type OutboxStore } from './outbox.ts';
import { createPrivateKeyStore, type PrivateKeyStore } from './private-keys.ts';
import { createReportStore, type ReportStore } from './reports.ts';
import type { Sealer } from './sealer.ts';
import { statement } from './statement.ts';
import { createSweepTurnStore, type SweepTurnStore } from './sweep-turns.ts';
import {
  createRouteExceptionStore,
  createSwitchStore,
  type RouteExceptionStore,
  type SwitchStore,
} from './switches.ts';
import { createTrafficStore, type TrafficStore } from './traffic.ts';

/** The stores of all tables, over the whole database or within one transaction. */
interface Tables {
  readonly connections: ConnectionStore;
  readonly privateKeys: PrivateKeyStore;
  readonly grants: GrantStore;
  readonly sweepTurns: SweepTurnStore;
  readonly authorizations: AuthorizationStore;
  readonly invitations: InvitationStore;
  readonly labels: LabelStore;
  readonly outbox: OutboxStore;
  readonly optOuts: OptOutStore;
  readonly audit: AuditStore;
  readonly traffic: TrafficStore;
  readonly switches: SwitchStore;
  readonly verifications: VerificationStore;
  readonly foreignConsents: ForeignConsentStore;
  readonly retirements: RetirementStore;
  readonly metricRecords: MetricRecordStore;
  readonly routeExceptions: RouteExceptionStore;
  readonly keySightings: KeySightingStore;
  readonly shadow: ShadowStore;
  readonly reports: ReportStore;
}

/**
 * Everything Keyshift remembers, on SQLite or PostgreSQL. Secrets go in and come out as
 * {@link Secret}; what lies in the database is sealed.
 *
 * Every method throws `database_unavailable` when the database cannot be used, and `seal_invalid`
 * when a sealed value does not open.
 */
export interface Store extends Tables {
  /**
   * Runs `work` in one transaction: all of its writes or none. Keep it short and never wait for
   * the network inside. A call on `tx` itself joins the transaction. On PostgreSQL `work` runs
   * again when the database ended it in favour of another transaction: it must have no effects
   * besides its writes.
   *
   * Throws `internal`, and writes nothing, when `work` is done while a statement of it still runs.
   * So does a call on the store itself within `work`, and one on `tx` after its end.
   */
  transaction<Result>(work: (tx: Store) => Promise<Result>): Promise<Result>;
  /**
   * Runs `work` apart from the transaction that its caller is in, if any: for what goes on in the
   * background, must not be undone with it, and may outlive it.
   */
  outsideTransaction<Result>(work: () => Result): Result;
  /** Nothing was written between two equal answers; undefined where that is not cheap to know. */
  version(): string | undefined;
  /** Resolves when the database answers; throws `database_unavailable` otherwise. */
  ping(): Promise<void>;
  /** Releases the database. Further calls throw. */
  close(): Promise<void>;
}

/** What the stores need besides the database. */
interface Services {
  readonly sealer: Sealer;
  readonly blindIndex: BlindIndex;
  readonly chain: AuditChain;
  readonly grantMapper: GrantMapper;
}

const ping = statement((db) => db.selectFrom('vault_state').select('name').limit(1));

/** Creates the store over an open database, which it closes. */
export function createStore(
  database: RootDatabase,
  sealer: Sealer,
  blindIndex: BlindIndex,
  random: Random,
): Store {
  const services = {
    ...{ sealer, blindIndex, chain: createAuditChain(blindIndex, random) },
    grantMapper: createGrantMapper(sealer, blindIndex),
  };
  const whole: Pick<Store, 'outsideTransaction' | 'version'> = {
    outsideTransaction: (work) => database.outsideTransaction(work),
    version: () => database.version(),
  };
  return {
    ...createTables(database, services),
    ...whole,
    transaction: (work) =>
      database.transaction((within) => {
        const tx: Store = {
          ...createTables(within, services),
          ...whole,
          transaction: (nested) => nested(tx),
          async ping() {
            await within.first(ping, {});
          },
          close() {
            throw new KeyshiftError('internal', 'A transaction cannot close its store.');
          },
        };
        return work(tx);
      }),
    async ping() {
      await database.first(ping, {});
    },
    close: () => database.close(),
  };
}

function createTables(database: Database, services: Services): Tables {
  const { sealer, blindIndex, chain, grantMapper } = services;
  return {
    connections: createConnectionStore(database),
    privateKeys: createPrivateKeyStore(database, sealer, blindIndex),
    grants: createGrantStore(database, grantMapper),
    sweepTurns: createSweepTurnStore(database),
    authorizations: createAuthorizationStore(database),
    invitations: createInvitationStore(database),
    labels: createLabelStore(database),
    outbox: createOutboxStore(database),
    optOuts: createOptOutStore(database),
    audit: createAuditStore(database, chain),
    traffic: createTrafficStore(database),
    switches: createSwitchStore(database),
    verifications: createVerificationStore(database),
    foreignConsents: createForeignConsentStore(database),
    retirements: createRetirementStore(database),
    metricRecords: createMetricRecordStore(database),
    routeExceptions: createRouteExceptionStore(database),
    keySightings: createKeySightingStore(database),
    shadow: createShadowStore(database),
    reports: createReportStore(database),
  };
}
