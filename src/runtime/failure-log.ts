import { errorTable, type ErrorCode } from '../errors/error-table.ts';
import type { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';

/** Logs an answered failure once; see {@link createFailureLog}. */
export type FailureLog = (
  message: string,
  error: KeyshiftError,
  bindings: Readonly<Record<string, unknown>>,
) => void;

/** How many lines each code may have in a minute. */
const linesAMinute = 60;
const minuteMs = 60_000;

/**
 * Creates the log of failures that callers were answered. Each is as loud as its audience deserves:
 * what a caller or a customer did is information, what the operator must mend is a warning with the
 * fix, and only what nobody foresaw is an error. Stacks come with the last two.
 *
 * An outage fails every call in the same way: after sixty lines of a code in a minute the others
 * are counted only, and the code's next line says how many there were (`unlogged`).
 */
export function createFailureLog(logger: Logger, clock: Clock): FailureLog {
  const recent = new Map<ErrorCode, { sinceMs: number; lines: number; unlogged: number }>();

  /** How many lines were left out before this one; `undefined` when this one is, too. */
  function admit(code: ErrorCode): number | undefined {
    const nowMs = clock.now();
    const before = recent.get(code);
    if (before === undefined || nowMs - before.sinceMs >= minuteMs) {
      recent.set(code, { sinceMs: nowMs, lines: 1, unlogged: 0 });
      return before?.unlogged ?? 0;
    }
    if (before.lines < linesAMinute) {
      before.lines += 1;
      return 0;
    }
    before.unlogged += 1;
    return undefined;
  }

  return (message, error, bindings) => {
    const { code } = error;
    const unlogged = admit(code);
    if (unlogged === undefined) return;
    const line = { ...bindings, code, ...(unlogged > 0 ? { unlogged } : {}) };
    if (code === 'internal') logger.error({ ...line, err: error }, message);
    else if (errorTable[code].audience === 'operator') {
      logger.warn({ ...line, fix: error.fix, err: error }, message);
    } else logger.info({ ...line, reason: error.message }, message);
  };
}
