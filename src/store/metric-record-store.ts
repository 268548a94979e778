import type { Database } from './database.ts';
import type { MetricRecordStore } from './journey.ts';

/** Keeps snapshots and comparisons of metrics. */
export function createMetricRecordStore(database: Database): MetricRecordStore {
  return {
    async saveSnapshot({ id, connectionId, takenAtMs, content }) {
      const values = { id, connection_id: connectionId, taken_at: takenAtMs, content };
      await database.query((db) => db.insertInto('metric_snapshots').values(values));
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
      return (
        row && {
          id: row.id,
          connectionId: row.connection_id,
          takenAtMs: row.taken_at,
          content: row.content,
        }
      );
    },
    async saveComparison({ connectionId, comparedAtMs, verdict, content }) {
      const columns = { compared_at: comparedAtMs, verdict, content };
      await database.query((db) =>
        db
          .insertInto('metric_comparisons')
          .values({ connection_id: connectionId, ...columns })
          .onConflict((conflict) => conflict.column('connection_id').doUpdateSet(columns)),
      );
    },
    async comparison(connectionId) {
      const [row] = await database.query((db) =>
        db.selectFrom('metric_comparisons').selectAll().where('connection_id', '=', connectionId),
      );
      return (
        row && {
          connectionId: row.connection_id,
          comparedAtMs: row.compared_at,
          verdict: row.verdict,
          content: row.content,
        }
      );
    },
  };
}
