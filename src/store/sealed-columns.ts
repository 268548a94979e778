import type { Schema } from './schema.ts';
import type { Sealed } from './sealed.ts';

type ColumnOf<Table extends keyof Schema> = Extract<keyof Schema[Table], string>;

type SealedColumnOf<Table extends keyof Schema> = {
  [Column in ColumnOf<Table>]: Sealed extends Schema[Table][Column] ? Column : never;
}[ColumnOf<Table>];

/** A column that holds sealed values, and the column whose value is bound into each seal. */
export type SealedColumn = {
  [Table in keyof Schema]: {
    readonly table: Table;
    readonly rowIdColumn: ColumnOf<Table>;
    readonly column: SealedColumnOf<Table>;
  };
}[keyof Schema];

/** Every sealed column of the database: what repositories seal through and rotation walks over. */
export const sealedColumns = {
  blindIndexKey: { table: 'vault_state', rowIdColumn: 'name', column: 'sealed_value' },
  privateKey: { table: 'private_keys', rowIdColumn: 'connection_id', column: 'sealed_key' },
  accessToken: { table: 'grants', rowIdColumn: 'id', column: 'access_token' },
  refreshToken: { table: 'grants', rowIdColumn: 'id', column: 'refresh_token' },
  previousRefreshToken: { table: 'grants', rowIdColumn: 'id', column: 'previous_refresh_token' },
} as const satisfies Record<string, SealedColumn>;

/** The name of an entry of {@link sealedColumns}. */
export type SealedColumnName = keyof typeof sealedColumns;
