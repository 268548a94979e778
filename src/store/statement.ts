import type { Compilable, CompiledQuery, Kysely } from 'kysely';
import type { DatabaseKind } from './database-url.ts';
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
  kind: DatabaseKind,
) => Compilable<Row>;

export interface StatementOptions {
  /**
   * The statement holds the only copy of something: its commit is on the disk when it returns,
   * also on SQLite, where other single statements may be undone by a power cut.
   */
  readonly durable?: boolean;
}

/** A statement with named parameters; each database compiles it once. */
export interface Statement<Parameters, Row> extends StatementOptions {
  readonly build: StatementBuilder<Parameters, Row>;
}

/**
 * Declares a statement. A database compiles it on its first use and keeps it: building and
 * compiling a query with Kysely costs more than running it on SQLite.
 *
 * @example
 * ```ts
 * const findById = statement((db, p: ParameterOf<{ id: string }>) =>
 *   db.selectFrom('grants').selectAll().where('id', '=', p('id')),
 * );
 * const grant = await database.first(findById, { id: 'a' });
 * ```
 */
export function statement<Parameters extends Record<string, ParameterValue>, Row>(
  build: StatementBuilder<Parameters, Row>,
  options: StatementOptions = {},
): Statement<Parameters, Row> {
  return { build, ...options };
}

class ParameterMarker {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** Whether a query comes from a durable statement. */
export function isDurable(query: CompiledQuery): boolean {
  return (query as CompiledQuery & StatementOptions).durable === true;
}

/** Fills a statement with values; compiled for one database, and kept as long as that. */
export function createBinder(db: Kysely<Schema>, kind: DatabaseKind) {
  const compiled = new WeakMap<object, CompiledQuery>();
  return <Parameters, Row>(
    from: Statement<Parameters, Row>,
    values: Parameters,
  ): CompiledQuery<Row> => {
    let template = compiled.get(from);
    if (!template) {
      const parameter: ParameterOf<Parameters> = (name) =>
        new ParameterMarker(name) as unknown as Parameters[typeof name];
      template = from.build(db, parameter, kind).compile();
      compiled.set(from, template);
    }
    const { sql, query, queryId } = template;
    const parameters = template.parameters.map((value) =>
      value instanceof ParameterMarker ? values[value.name as keyof Parameters] : value,
    );
    return { sql, query, queryId, parameters, durable: from.durable } as CompiledQuery<Row>;
  };
}
