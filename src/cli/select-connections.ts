import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Connection } from '../model/connection.ts';
import type { Labels } from '../model/labels.ts';
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
    yield* cohort ? listCohort(store, cohort) : store.connections.list();
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

/** A cohort that nobody is in is a typo, as a rule. */
async function* listCohort(store: Store, labels: Labels): AsyncGenerator<Connection> {
  let found = false;
  for await (const connection of store.connections.list({ labels })) {
    found = true;
    yield connection;
  }
  if (found) return;
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${value}`);
  throw new KeyshiftError('connection_not_found', `No customer has ${pairs.join(' and ')}.`, {
    fix: 'Labels come from further columns of the imported list: check label and value.',
  });
}
