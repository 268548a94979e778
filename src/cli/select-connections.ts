import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Connection } from '../store/records.ts';
import type { Labels } from '../store/outreach.ts';
import type { Store } from '../store/store.ts';

/** The options by which commands are told whom they are about. */
export interface Selection {
  readonly all?: boolean;
  readonly customer?: readonly string[];
  /** Those that bear every one of these labels. */
  readonly cohort?: Labels;
}

/**
 * The connections of a selection: every one, those of a cohort, or those of the named customers.
 *
 * @throws KeyshiftError `request_invalid` when nothing is selected, `connection_not_found`
 */
export async function* selectConnections(
  store: Store,
  selection: Selection,
): AsyncGenerator<Connection> {
  const { all, cohort, customer: customers = [] } = selection;
  const ways = [all === true, cohort !== undefined, customers.length > 0];
  if (ways.filter(Boolean).length !== 1) {
    throw new KeyshiftError('request_invalid', 'Nothing, or too much, is selected.', {
      fix: 'Use one of --all, --cohort LABEL=VALUE and --customer ID (as often as needed).',
    });
  }
  if (customers.length === 0) {
    yield* store.connections.list(cohort ? { labels: cohort } : {});
    return;
  }
  // All of them are looked up before the first is touched: a typo must not leave half a job.
  const found: Connection[] = [];
  for (const customerId of new Set(customers)) {
    const connection = await store.connections.findByCustomer(customerId);
    if (!connection) {
      throw new KeyshiftError(
        'connection_not_found',
        `No connection belongs to customer ${JSON.stringify(customerId)}.`,
      );
    }
    found.push(connection);
  }
  yield* found;
}
