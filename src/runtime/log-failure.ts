import { errorTable } from '../errors/error-table.ts';
import type { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Logger } from './logger.ts';

/**
 * Logs an answered failure once, as loud as its audience deserves: what a caller or a customer did
 * is information, what the operator must mend is a warning, and only what nobody foresaw is an
 * error. Stacks come with the last two.
 */
export function logFailure(
  logger: Logger,
  message: string,
  error: KeyshiftError,
  bindings: Readonly<Record<string, unknown>>,
): void {
  const { code } = error;
  if (code === 'internal') logger.error({ ...bindings, code, err: error }, message);
  else if (errorTable[code].audience === 'operator') {
    logger.warn({ ...bindings, code, err: error }, message);
  } else logger.info({ ...bindings, code, reason: error.message }, message);
}
