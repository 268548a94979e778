import type { Expression, ExpressionBuilder, Kysely, SqlBool } from 'kysely';
import type { Database } from './database.ts';
import type { Schema } from './schema.ts';

/** Tables whose rows are work: due at a time, and held by one owner until its lease runs out. */
export type WorkTable = 'grants' | 'outbox';

/** Who takes work, and until when. */
export interface Claim {
  readonly owner: string;
  readonly nowMs: number;
  readonly leaseExpiresAtMs: number;
  readonly limit: number;
}

/** What a work table has in common with the others. */
interface WorkRow {
  id: string;
  due_at: number | null;
  lease_owner: string | null;
  lease_expires_at: number | null;
}

/**
 * Leases rows that are due and held by nobody, longest due first; no two callers get the same.
 *
 * @param where what else must hold
 * @param changes further columns to set
 */
export async function claimDue<Table extends WorkTable>(
  database: Database,
  table: Table,
  { owner, nowMs, leaseExpiresAtMs, limit }: Claim,
  where: (eb: ExpressionBuilder<Schema, Table>) => Expression<SqlBool>,
  changes: Partial<WorkRow> = {},
): Promise<Schema[Table][]> {
  const rows = await database.query((typed) => {
    const db = typed as unknown as Kysely<Record<WorkTable, WorkRow>>;
    const name: WorkTable = table;
    return db
      .updateTable(name)
      .set({ lease_owner: owner, lease_expires_at: leaseExpiresAtMs, ...changes })
      .where('id', 'in', (builder) => {
        const due = builder
          .selectFrom(name)
          .select('id')
          .where('due_at', '<=', nowMs)
          .where(({ or, eb }) =>
            or([eb('lease_owner', 'is', null), eb('lease_expires_at', '<=', nowMs)]),
          )
          .where((eb) => where(eb as unknown as ExpressionBuilder<Schema, Table>))
          .orderBy('due_at')
          .limit(limit);
        // Two claims at once take different rows; SQLite has one writer anyway.
        return database.kind === 'postgres' ? due.forUpdate().skipLocked() : due;
      })
      .returningAll();
  });
  return rows as unknown as Schema[Table][];
}
