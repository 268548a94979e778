import type { ForeignConsent } from '../model/foreign-consent.ts';
import type { MetricComparisonRecord, MetricSnapshotRecord } from '../model/metric-record.ts';
import type { Retirement } from '../model/retirement.ts';
import { nameOfCheck, parseCheckName, type VerificationCheck } from '../model/verification.ts';
import { createRowMapper, replacing, type ColumnsOf } from './columns.ts';
import type { Database } from './database.ts';
import type {
  ForeignConsentRow,
  MetricComparisonRow,
  MetricSnapshotRow,
  RetirementRow,
  VerificationCheckRow,
} from './schema.ts';

/** What the checks of a consent found. */
export interface VerificationStore {
  /** Replaces every earlier result of the connection. */
  replace(connectionId: string, checks: readonly VerificationCheck[]): Promise<void>;
  /** By name. */
  list(connectionId: string): Promise<VerificationCheck[]>;
}

/** Which connection's invitation led to which set-aside grant. */
export interface ForeignConsentStore {
  insert(consent: Omit<ForeignConsent, 'settledAtMs'>): Promise<void>;
  /** Of one connection, newest first. */
  listByConnection(connectionId: string): Promise<ForeignConsent[]>;
  /** With one account, newest first. */
  listByAccount(accountId: string): Promise<ForeignConsent[]>;
  /** Its grant serves the account from now on; a second time changes nothing. */
  settle(grantId: string, atMs: number): Promise<void>;
}

/** How far the end of each private key has come. */
export interface RetirementStore {
  find(connectionId: string): Promise<Retirement | undefined>;
  /** Inserts, or replaces what was known. */
  save(retirement: Retirement): Promise<void>;
}

/** Snapshots and comparisons of metrics. */
export interface MetricRecordStore {
  saveSnapshot(snapshot: MetricSnapshotRecord): Promise<void>;
  /** The latest of the connection, taken at or before `atMs` where it is given. */
  latestSnapshot(connectionId: string, atMs?: number): Promise<MetricSnapshotRecord | undefined>;
  /** Replaces the connection's earlier comparison. */
  saveComparison(comparison: MetricComparisonRecord): Promise<void>;
  comparison(connectionId: string): Promise<MetricComparisonRecord | undefined>;
}

/** What a check is about is kept as its name. */
type CheckFields = Pick<VerificationCheck, 'verdict' | 'reason' | 'detail' | 'atMs'> & {
  readonly name: string;
};

const checkColumns = {
  name: 'name',
  verdict: 'verdict',
  reason: 'reason',
  detail: 'detail',
  atMs: 'checked_at',
} as const satisfies ColumnsOf<CheckFields, VerificationCheckRow>;

const checks = createRowMapper<CheckFields, VerificationCheckRow, typeof checkColumns>(
  checkColumns,
);

/** Keeps results of checks. */
export function createVerificationStore(database: Database): VerificationStore {
  return {
    replace: (connectionId, results) =>
      database.transaction(async (tx) => {
        await tx.query((db) =>
          db.deleteFrom('verification_checks').where('connection_id', '=', connectionId),
        );
        if (results.length === 0) return;
        // Two tabs of one person may end at the same moment; in one order, so that none waits for the other.
        const sorted = results
          .map((check) => ({ ...check, name: nameOfCheck(check) }))
          .sort((a, b) => (a.name < b.name ? -1 : 1));
        await tx.query((db) =>
          db
            .insertInto('verification_checks')
            .values(
              sorted.map((check) => ({ ...checks.toRow(check), connection_id: connectionId })),
            )
            .onConflict((conflict) =>
              conflict
                .columns(['connection_id', 'name'])
                .doUpdateSet(
                  replacing<VerificationCheckRow>(['verdict', 'reason', 'detail', 'checked_at']),
                ),
            ),
        );
      }),
    async list(connectionId) {
      const rows = await database.query((db) =>
        db
          .selectFrom('verification_checks')
          .selectAll()
          .where('connection_id', '=', connectionId)
          .orderBy('name'),
      );
      return rows.map((row) => {
        const { name, ...result } = checks.toRecord(row);
        return { ...parseCheckName(name), ...result };
      });
    },
  };
}

const consentColumns = {
  grantId: 'grant_id',
  connectionId: 'connection_id',
  accountId: 'account_id',
  accountName: 'account_name',
  consentedAtMs: 'consented_at',
  settledAtMs: 'settled_at',
} as const satisfies ColumnsOf<ForeignConsent, ForeignConsentRow>;

const consents = createRowMapper<ForeignConsent, ForeignConsentRow, typeof consentColumns>(
  consentColumns,
);

/** Keeps foreign consents. */
export function createForeignConsentStore(database: Database): ForeignConsentStore {
  const list = async (column: 'connection_id' | 'account_id', value: string) => {
    const rows = await database.query((db) =>
      db
        .selectFrom('foreign_consents')
        .selectAll()
        .where(column, '=', value)
        .orderBy('consented_at', 'desc')
        .orderBy('grant_id', 'desc'),
    );
    return rows.map(consents.toRecord);
  };
  return {
    async insert(consent) {
      const row = consents.toRow({ ...consent, settledAtMs: undefined });
      await database.query((db) => db.insertInto('foreign_consents').values(row));
    },
    listByConnection: (connectionId) => list('connection_id', connectionId),
    listByAccount: (accountId) => list('account_id', accountId),
    async settle(grantId, atMs) {
      await database.query((db) =>
        db
          .updateTable('foreign_consents')
          .set({ settled_at: atMs })
          .where('grant_id', '=', grantId)
          .where('settled_at', 'is', null),
      );
    },
  };
}

const retirementColumns = {
  connectionId: 'connection_id',
  quietAtMs: 'quiet_at',
  proof: 'proof',
  detail: 'detail',
  provedAtMs: 'proved_at',
  retiredAtMs: 'retired_at',
} as const satisfies ColumnsOf<Retirement, RetirementRow>;

const retirements = createRowMapper<Retirement, RetirementRow, typeof retirementColumns>(
  retirementColumns,
);

/** Keeps retirements. */
export function createRetirementStore(database: Database): RetirementStore {
  return {
    async find(connectionId) {
      const [row] = await database.query((db) =>
        db.selectFrom('retirements').selectAll().where('connection_id', '=', connectionId),
      );
      return row && retirements.toRecord(row);
    },
    async save(retirement) {
      await database.query((db) =>
        db
          .insertInto('retirements')
          .values(retirements.toRow(retirement))
          .onConflict((conflict) =>
            conflict
              .column('connection_id')
              .doUpdateSet(
                replacing<RetirementRow>([
                  'quiet_at',
                  'proof',
                  'detail',
                  'proved_at',
                  'retired_at',
                ]),
              ),
          ),
      );
    },
  };
}

const snapshotColumns = {
  id: 'id',
  connectionId: 'connection_id',
  takenAtMs: 'taken_at',
  content: 'content',
} as const satisfies ColumnsOf<MetricSnapshotRecord, MetricSnapshotRow>;

const snapshots = createRowMapper<MetricSnapshotRecord, MetricSnapshotRow, typeof snapshotColumns>(
  snapshotColumns,
);

const comparisonColumns = {
  connectionId: 'connection_id',
  comparedAtMs: 'compared_at',
  verdict: 'verdict',
  content: 'content',
} as const satisfies ColumnsOf<MetricComparisonRecord, MetricComparisonRow>;

const comparisons = createRowMapper<
  MetricComparisonRecord,
  MetricComparisonRow,
  typeof comparisonColumns
>(comparisonColumns);

/** Keeps snapshots and comparisons. */
export function createMetricRecordStore(database: Database): MetricRecordStore {
  return {
    async saveSnapshot(snapshot) {
      const row = snapshots.toRow(snapshot);
      await database.query((db) => db.insertInto('metric_snapshots').values(row));
    },
    async latestSnapshot(connectionId, atMs) {
      const [row] = await database.query((db) => {
        const found = db
          .selectFrom('metric_snapshots')
          .selectAll()
          .where('connection_id', '=', connectionId)
          .orderBy('taken_at', 'desc')
          .orderBy('id', 'desc')
          .limit(1);
        return atMs === undefined ? found : found.where('taken_at', '<=', atMs);
      });
      return row && snapshots.toRecord(row);
    },
    async saveComparison(comparison) {
      await database.query((db) =>
        db
          .insertInto('metric_comparisons')
          .values(comparisons.toRow(comparison))
          .onConflict((conflict) =>
            conflict
              .column('connection_id')
              .doUpdateSet(replacing<MetricComparisonRow>(['compared_at', 'verdict', 'content'])),
          ),
      );
    },
    async comparison(connectionId) {
      const [row] = await database.query((db) =>
        db.selectFrom('metric_comparisons').selectAll().where('connection_id', '=', connectionId),
      );
      return row && comparisons.toRecord(row);
    },
  };
}
