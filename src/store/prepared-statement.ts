import type { Compilable, CompiledQuery, Kysely } from 'kysely';
import type { Schema } from './schema.ts';

/** What a statement can be given: what both databases store as it is. */
export type ParameterValue = string | number | null;

/** Stands for a named parameter while a statement is being built. */
export type ParameterOf<Parameters> = <Name extends keyof Parameters & string>(
  name: Name,
) => Parameters[Name];

/** Builds a statement once, with named parameters in place of values. */
export type StatementBuilder<Parameters, Row> = (
  db: Kysely<Schema>,
  parameter: ParameterOf<Parameters>,
) => Compilable<Row>;

/** Fills a compiled statement with values. */
export type BindParameters<Parameters, Row> = (values: Parameters) => CompiledQuery<Row>;

class ParameterMarker {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** How a statement is prepared. */
export interface PrepareOptions {
  /**
   * The statement holds the only copy of something: its commit is on the disk when it returns,
   * also on SQLite, where other single statements may be undone by a power cut.
   */
  readonly durable?: boolean;
}

/** Whether a statement was prepared as durable. */
export function isDurable(query: CompiledQuery): boolean {
  return (query as CompiledQuery & PrepareOptions).durable === true;
}

/**
 * Compiles a statement on its first use and keeps it: building and compiling a query with Kysely
 * costs more than running it on SQLite.
 *
 * @example
 * ```ts
 * const bind = prepareStatement(db, (db, p: ParameterOf<{ id: string }>) =>
 *   db.selectFrom('grants').selectAll().where('id', '=', p('id')),
 * );
 * const { rows } = await db.executeQuery(bind({ id: 'a' }));
 * ```
 */
export function prepareStatement<Parameters extends Record<string, ParameterValue>, Row>(
  db: Kysely<Schema>,
  build: StatementBuilder<Parameters, Row>,
  { durable = false }: PrepareOptions = {},
): BindParameters<Parameters, Row> {
  let compiled: CompiledQuery<Row> | undefined;
  const parameter: ParameterOf<Parameters> = (name) =>
    new ParameterMarker(name) as unknown as Parameters[typeof name];
  return (values) => {
    compiled ??= build(db, parameter).compile();
    const { sql, query, queryId } = compiled;
    const parameters = compiled.parameters.map((value) =>
      value instanceof ParameterMarker ? values[value.name] : value,
    );
    return { sql, query, queryId, parameters, durable } as CompiledQuery<Row>;
  };
}
