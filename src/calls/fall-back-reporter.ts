import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Connection } from '../model/connection.ts';
import type { Store } from '../store/store.ts';

/** Tells that a call of a connection on OAuth went out by key, and why. */
export type FallBackReporter = (
  connection: Connection,
  operationId: string | undefined,
  reason: string,
) => void;

/** What {@link createFallBackReporter} works with. */
export interface FallBackReporterOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Counts every one of them. */
  readonly count: (reason: string) => void;
}

/** One line of the audit log and one alarm in so many milliseconds for each cause. */
const quietMs = 300_000;
const capacity = 10_000;

/**
 * Creates the reporter. Each fall-back is counted; each cause (connection, operation, reason) is
 * written to the audit log as `proxy.fall_back` and logged as an error once in five minutes.
 */
export function createFallBackReporter(options: FallBackReporterOptions): FallBackReporter {
  const { store, clock, logger, count } = options;
  const reported = new Map<string, number>();

  return (connection, operationId, reason) => {
    count(reason);
    const nowMs = clock.now();
    const operation = operationId ?? 'unknown';
    const cause = `${connection.id} ${operation} ${reason}`;
    if (nowMs - (reported.get(cause) ?? -quietMs) < quietMs) return;
    if (reported.size >= capacity) reported.clear();
    reported.set(cause, nowMs);
    const { id: connectionId, customerId } = connection;
    logger.error(
      { customerId, operation, reason },
      'OAuth was refused; the call went out with the key',
    );
    const event = {
      ...{ atMs: nowMs, actor: 'proxy', action: 'proxy.fall_back', connectionId },
      ...{ fromStage: undefined, toStage: undefined, reason: `${operation}: ${reason}` },
    };
    store.audit.append(event).catch((error: unknown) => {
      reported.delete(cause);
      logger.warn({ err: error }, 'a fall-back could not be written to the audit log');
    });
  };
}
