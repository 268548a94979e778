import { KeyshiftError } from '../../errors/keyshift-error.ts';
import type { Connection } from '../../model/connection.ts';
import type { Labels } from '../../model/labels.ts';
import type { Stage } from '../../model/stages.ts';
import type { ConnectionFilter } from '../../store/connections.ts';
import type { Store } from '../../store/store.ts';

/** Which connections a use case is about: those that meet every condition; without any, all. */
export interface Selection {
  /** These customers alone, each of whom must exist. */
  readonly customers?: readonly string[];
  /** Bears every one of these labels. */
  readonly cohort?: Labels;
  /** Was invited in this wave. */
  readonly wave?: string;
  readonly stages?: readonly Stage[];
}

/**
 * Yields the connections of a selection, in the order of customer ids, or in the order in which
 * customers are named. They are read in pages, so that memory stays flat.
 *
 * @throws KeyshiftError `connection_not_found` when a named customer does not exist, before the
 * first connection is yielded, and when nobody is in the cohort or the wave
 */
export async function* select(
  store: Pick<Store, 'connections'>,
  selection: Selection,
): AsyncGenerator<Connection> {
  const { customers, stages } = selection;
  const filter = toFilter(selection);
  if (customers === undefined) {
    let found = false;
    for await (const connection of store.connections.list(filter)) {
      found = true;
      yield connection;
    }
    if (!found) await requireAnybody(store, selection);
    return;
  }
  // All of them are looked up before the first is touched: a typo must not leave half a job.
  const named: Connection[] = [];
  for (const customerId of new Set(customers)) {
    named.push(await requireConnection(store, customerId));
  }
  const narrowed = selection.cohort !== undefined || selection.wave !== undefined;
  for (const connection of named) {
    if (stages !== undefined && !stages.includes(connection.stage)) continue;
    if (narrowed && !(await isAmong(store, connection, filter))) continue;
    yield connection;
  }
}

/** Counts the connections of a selection, for a progress bar; of named customers, the names. */
export async function countSelected(
  store: Pick<Store, 'connections'>,
  selection: Selection,
): Promise<number> {
  const { customers, cohort, wave, stages } = selection;
  if (customers !== undefined) return new Set(customers).size;
  if (cohort === undefined && wave === undefined) {
    const counts = await store.connections.countByStage();
    return counts
      .filter(({ stage }) => stages === undefined || stages.includes(stage))
      .reduce((sum, { count }) => sum + count, 0);
  }
  let matching = 0;
  for await (const _ of store.connections.list(toFilter(selection))) matching += 1;
  return matching;
}

/**
 * Returns the connection of a customer.
 *
 * @throws KeyshiftError `connection_not_found`
 */
export async function requireConnection(
  store: Pick<Store, 'connections'>,
  customerId: string,
): Promise<Connection> {
  const connection = await store.connections.findByCustomer(customerId);
  if (connection) return connection;
  throw new KeyshiftError(
    'connection_not_found',
    `Customer ${JSON.stringify(customerId)} has no connection.`,
  );
}

function toFilter({ cohort, wave, stages }: Selection): ConnectionFilter {
  return {
    ...(cohort !== undefined && { labels: cohort }),
    ...(wave !== undefined && { wave }),
    ...(stages !== undefined && { stages }),
  };
}

async function isAmong(
  store: Pick<Store, 'connections'>,
  { customerId }: Connection,
  filter: ConnectionFilter,
): Promise<boolean> {
  for await (const _ of store.connections.list({ ...filter, customerId })) return true;
  return false;
}

/** A cohort or a wave that nobody is in is a typo, as a rule. */
async function requireAnybody(
  store: Pick<Store, 'connections'>,
  { cohort, wave, stages }: Selection,
): Promise<void> {
  if (cohort === undefined && wave === undefined) return;
  const everyStage = toFilter({ ...(cohort && { cohort }), ...(wave !== undefined && { wave }) });
  if (stages !== undefined) {
    for await (const _ of store.connections.list(everyStage)) return;
  }
  const pairs = Object.entries(cohort ?? {}).map(([label, value]) => `has ${label}=${value}`);
  if (wave !== undefined) pairs.push(`was invited in the wave ${wave}`);
  throw new KeyshiftError('connection_not_found', `No customer ${pairs.join(' and ')}.`, {
    fix:
      cohort === undefined
        ? 'Check the name of the wave: `keyshift invite --wave` gave it.'
        : 'Labels come from further columns of the imported list: check label and value.',
  });
}
