import { resolve } from 'node:path';
import { KeyshiftError } from '../errors/keyshift-error.ts';

/** The databases Keyshift runs on. */
export type DatabaseKind = 'sqlite' | 'postgres';

/** A parsed `DATABASE_URL`. `label` is safe to show; a `postgres` URL may hold a password. */
export type DatabaseAddress =
  | { readonly kind: 'sqlite'; readonly path: string; readonly label: string }
  | {
      readonly kind: 'postgres';
      /** Without `schema`, which the driver does not know. */
      readonly url: string;
      readonly label: string;
      readonly schema: string;
    };

/** Where the tables lie on PostgreSQL, beside those of an application. */
export const defaultSchema = 'keyshift';

/** The path of a SQLite database that lives in memory and dies with its store. */
export const inMemoryPath = ':memory:';

/**
 * Reads `DATABASE_URL`: `sqlite:./path`, `sqlite:/abs/path`, `sqlite::memory:`, `postgres://…` or
 * `postgresql://…`, the latter two with `?schema=name` for tables elsewhere than in `keyshift`.
 * Throws `config_invalid`, which never shows the URL: it may hold a password.
 *
 * @example
 * ```ts
 * parseDatabaseUrl('postgres://app:secret@db:5432/keyshift').label; // "PostgreSQL at db:5432/keyshift"
 * ```
 */
export function parseDatabaseUrl(databaseUrl: string): DatabaseAddress {
  if (databaseUrl.startsWith('sqlite:')) return parseSqliteUrl(databaseUrl.slice('sqlite:'.length));
  if (/^postgres(ql)?:\/\//.test(databaseUrl)) return parsePostgresUrl(databaseUrl);
  if (databaseUrl.trim() === '') throw invalid('is empty');
  throw invalid('does not start with sqlite: or postgres://');
}

function parseSqliteUrl(rest: string): DatabaseAddress {
  if (rest === inMemoryPath) {
    return { kind: 'sqlite', path: inMemoryPath, label: 'SQLite in memory' };
  }
  if (rest.startsWith('//') && !rest.startsWith('///')) {
    throw invalid('has a host in its sqlite: form; write sqlite:./path or sqlite:/absolute/path');
  }
  const path = rest.startsWith('///') ? rest.slice(2) : rest;
  if (path === '' || /[/\\]$/.test(path) || path.includes('\0')) {
    throw invalid('names no file after sqlite:');
  }
  if (path.includes('?')) throw invalid('has options after the file name; sqlite: takes none');
  return { kind: 'sqlite', path: resolve(path), label: `SQLite at ${path}` };
}

function parsePostgresUrl(url: string): DatabaseAddress {
  // The error of `new URL` holds the whole text, password included: it is not kept as a cause.
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed) throw invalid('is not a URL; percent-encode special characters in the password');
  try {
    decodeURIComponent(`${parsed.username}${parsed.password}${parsed.pathname}`);
  } catch {
    throw invalid('has a stray % in it; percent-encode special characters in the password');
  }
  const place = `${parsed.host || 'the local socket'}${parsed.pathname}`;
  const label = `PostgreSQL at ${place}`;
  const schema = parsed.searchParams.get('schema');
  if (schema === null) return { kind: 'postgres', url, label, schema: defaultSchema };
  if (!/^(?!pg_)[a-z_][a-z0-9_]{0,62}$/.test(schema)) {
    throw invalid('names a schema that is not up to 63 lower-case letters, digits and _');
  }
  parsed.searchParams.delete('schema');
  return { kind: 'postgres', url: parsed.href, label: `${label}, schema ${schema}`, schema };
}

function invalid(what: string): KeyshiftError<'config_invalid'> {
  return new KeyshiftError('config_invalid', `DATABASE_URL ${what}.`, {
    fix: 'Set DATABASE_URL to sqlite:./data/keyshift.db or postgres://user:password@host:5432/database.',
  });
}
