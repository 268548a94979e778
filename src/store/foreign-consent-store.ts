import type { Database } from './database.ts';
import type { ForeignConsentTable } from './journey-schema.ts';
import type { ForeignConsent } from '../model/foreign-consent.ts';
import type { ForeignConsentStore } from './journey.ts';

/** Keeps which connection's invitation led to which set-aside grant. */
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
    return rows.map(toForeignConsent);
  };
  return {
    async insert(consent) {
      await database.query((db) =>
        db.insertInto('foreign_consents').values({
          grant_id: consent.grantId,
          connection_id: consent.connectionId,
          account_id: consent.accountId,
          account_name: consent.accountName ?? null,
          consented_at: consent.consentedAtMs,
          settled_at: null,
        }),
      );
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

function toForeignConsent(row: ForeignConsentTable): ForeignConsent {
  return {
    grantId: row.grant_id,
    connectionId: row.connection_id,
    accountId: row.account_id,
    accountName: row.account_name ?? undefined,
    consentedAtMs: row.consented_at,
    settledAtMs: row.settled_at ?? undefined,
  };
}
