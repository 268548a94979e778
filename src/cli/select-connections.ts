import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Connection } from '../store/records.ts';
import type { Store } from '../store/store.ts';

/** The options by which commands are told whom they are about. */
export interface Selection {
  readonly all?: boolean;
  readonly customer?: readonly string[];
}

/**
 * The connections of a selection: every one, or those of the named customers.
 *
 * @throws KeyshiftError `request_invalid` when nothing is selected, `connection_not_found`
 */
export async function* selectConnections(
  store: Store,
  selection: Selection,
): AsyncGenerator<Connection> {
  const customers = selection.customer ?? [];
  if (selection.all === true ? customers.length > 0 : customers.length === 0) {
    throw new KeyshiftError('request_invalid', 'Nothing, or too much, is selected.', {
      fix: 'Use either --all or --customer ID (as often as needed).',
    });
  }
  if (selection.all === true) {
    yield* store.connections.list();
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
