import type { Database } from './database.ts';
import type { ShadowResultTable } from './traffic-schema.ts';

/** How the answers to one operation compared, by key and by OAuth. */
export interface ShadowResult {
  readonly connectionId: string;
  readonly operation: string;
  readonly compared: number;
  readonly different: number;
  readonly lastComparedAtMs: number;
  readonly lastDifferentAtMs: number | undefined;
  /** Where the last pair differed: statuses or the path into the body, never a value of it. */
  readonly lastDifference: string | undefined;
}

/** Comparisons of shadow reads. */
export interface ShadowStore {
  /** Adds to what is known of the same connection and operation. */
  add(results: readonly ShadowResult[]): Promise<void>;
  /** Of one connection or of all, those with differences first. */
  list(connectionId?: string): Promise<readonly ShadowResult[]>;
  /** Forgets a connection's comparisons, or all. */
  clear(connectionId?: string): Promise<void>;
}

/** Keeps comparisons. */
export function createShadowStore(database: Database): ShadowStore {
  return {
    async add(results) {
      const rows = results.map(toColumns).sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
      await database.transaction(async () => {
        for (const row of rows) {
          await database.query((db) =>
            db
              .insertInto('shadow_results')
              .values(row)
              .onConflict((conflict) =>
                conflict.columns(['connection_id', 'operation']).doUpdateSet((eb) => ({
                  compared: eb('shadow_results.compared', '+', eb.ref('excluded.compared')),
                  different: eb('shadow_results.different', '+', eb.ref('excluded.different')),
                  last_compared_at: eb.ref('excluded.last_compared_at'),
                  last_different_at: eb.fn.coalesce(
                    'excluded.last_different_at',
                    'shadow_results.last_different_at',
                  ),
                  last_difference: eb.fn.coalesce(
                    'excluded.last_difference',
                    'shadow_results.last_difference',
                  ),
                })),
              ),
          );
        }
      });
    },
    async list(connectionId) {
      const rows = await database.query((db) => {
        const all = db
          .selectFrom('shadow_results')
          .selectAll()
          .orderBy('different', 'desc')
          .orderBy('connection_id')
          .orderBy('operation');
        return connectionId === undefined ? all : all.where('connection_id', '=', connectionId);
      });
      return rows.map((row) => ({
        connectionId: row.connection_id,
        operation: row.operation,
        compared: row.compared,
        different: row.different,
        lastComparedAtMs: row.last_compared_at,
        lastDifferentAtMs: row.last_different_at ?? undefined,
        lastDifference: row.last_difference ?? undefined,
      }));
    },
    async clear(connectionId) {
      await database.query((db) => {
        const all = db.deleteFrom('shadow_results');
        return connectionId === undefined ? all : all.where('connection_id', '=', connectionId);
      });
    },
  };
}

function toColumns(result: ShadowResult): ShadowResultTable {
  return {
    connection_id: result.connectionId,
    operation: result.operation,
    compared: result.compared,
    different: result.different,
    last_compared_at: result.lastComparedAtMs,
    last_different_at: result.lastDifferentAtMs ?? null,
    last_difference: result.lastDifference ?? null,
  };
}

/** One order for every writer: two that wait for each other would deadlock. */
function nameOf(row: ShadowResultTable): string {
  return JSON.stringify([row.connection_id, row.operation]);
}
