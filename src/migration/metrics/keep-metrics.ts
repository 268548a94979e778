import { isKeyshiftError } from '../../errors/keyshift-error.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { Connection } from '../../model/connection.ts';
import type { MetricContinuity } from './metric-continuity.ts';

/** Milliseconds that a cutover waits for its snapshot. */
const patienceMs = 120_000;

/**
 * Takes a snapshot before traffic moves, where the grant may read metrics. A snapshot that fails
 * is logged and holds nothing up: it can be taken by hand.
 */
export function keepMetrics(
  metrics: MetricContinuity,
  logger: Logger,
): (connection: Connection) => Promise<void> {
  return async (connection) => {
    try {
      await metrics.snapshotIfGranted(connection, AbortSignal.timeout(patienceMs));
    } catch (error) {
      const isTimeout = error instanceof DOMException && error.name === 'TimeoutError';
      if (!isKeyshiftError(error) && !isTimeout) throw error;
      const { customerId: customer } = connection;
      logger.warn({ customer, reason: error.message }, 'no snapshot of the metrics was taken');
    }
  };
}
