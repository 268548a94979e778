import { KeyshiftError } from '../errors/keyshift-error.ts';

/** The error for a database that cannot be used; `what` is part of a sentence, without a full stop. */
export function databaseUnavailable(
  label: string,
  what: string,
  cause?: unknown,
): KeyshiftError<'database_unavailable'> {
  return new KeyshiftError('database_unavailable', `${label} cannot be used: ${what}.`, { cause });
}
