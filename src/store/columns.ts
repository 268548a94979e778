import { sql, type RawBuilder } from 'kysely';
import type { ParameterOf } from './statement.ts';

type Name<Row> = Extract<keyof Row, string>;

/** What a column's value is in a record, where nothing is `undefined` instead of `null`. */
type InRecord<Value> = null extends Value ? Exclude<Value, null> | undefined : Value;

/** The columns of a row that hold values of this type. */
type ColumnFor<Value, Row> = {
  [Column in Name<Row>]: InRecord<Row[Column]> extends Value ? Column : never;
}[Name<Row>];

/** Where each field of a record is kept: the one place that knows both names. */
export type ColumnsOf<Fields, Row> = {
  readonly [Field in keyof Fields]-?: ColumnFor<Fields[Field], Row>;
};

/** Translates between rows and records by a table of columns. */
export interface RowMapper<Fields, Row, Column extends Name<Row>> {
  /** In the order of the table. */
  readonly columns: readonly Column[];
  toRecord(row: Pick<Row, Column>): Fields;
  /** A field that is absent or `undefined` becomes `null`. */
  toRow(fields: Fields): Pick<Row, Column>;
  /** The columns of those fields that the patch has, also where they are `undefined`. */
  toChanges(patch: Partial<Fields>): Partial<Pick<Row, Column>>;
}

/**
 * Creates the mapper of a table of columns.
 *
 * @example
 * ```ts
 * const columns = { id: 'id', createdAtMs: 'created_at' } as const satisfies ColumnsOf<Thing, ThingRow>;
 * const { toRecord } = createRowMapper<Thing, ThingRow, typeof columns>(columns);
 * ```
 */
export function createRowMapper<Fields, Row, Columns extends Record<keyof Fields, Name<Row>>>(
  columns: Columns,
): RowMapper<Fields, Row, Columns[keyof Fields]> {
  type Column = Columns[keyof Fields];
  const entries = Object.entries(columns) as [keyof Fields & string, Column][];
  return {
    columns: entries.map(([, column]) => column),
    toRecord(row) {
      const record: Record<string, unknown> = {};
      for (const [field, column] of entries) record[field] = row[column] ?? undefined;
      return record as Fields;
    },
    toRow(fields) {
      const row: Record<string, unknown> = {};
      for (const [field, column] of entries) row[column] = fields[field] ?? null;
      return row as Pick<Row, Column>;
    },
    toChanges(patch) {
      const changes: Record<string, unknown> = {};
      for (const [field, column] of entries) {
        if (Object.hasOwn(patch, field)) changes[column] = patch[field] ?? null;
      }
      return changes as Partial<Pick<Row, Column>>;
    },
  };
}

/** A parameter of its own for each column, as the values of an insert. */
export function parametersFor<Row, Column extends Name<Row>>(
  columns: readonly Column[],
  parameter: ParameterOf<Pick<Row, Column>>,
): Pick<Row, Column> {
  return Object.fromEntries(columns.map((column) => [column, parameter(column)])) as Pick<
    Row,
    Column
  >;
}

/** The values of a conflicting insert, for the columns that it is to replace. */
export function replacing<Row>(
  columns: readonly Name<Row>[],
): Partial<{ [Column in Name<Row>]: RawBuilder<Row[Column]> }> {
  const values = columns.map((column) => [column, sql.ref(`excluded.${column}`)]);
  return Object.fromEntries(values) as Partial<{
    [Column in Name<Row>]: RawBuilder<Row[Column]>;
  }>;
}
