import type { Connection } from '../../model/connection.ts';
import type { RouteException } from '../../model/route-policy.ts';
import type { StageCount } from '../../store/connections.ts';
import type { UnclaimedGrant } from '../../store/grants.ts';
import type { KeySighting, ShadowResult } from '../../store/observations.ts';
import type { Store } from '../../store/store.ts';
import { requireConnection, select } from '../operate/selection.ts';

/** Which connections an overview lists. */
export interface OverviewPage {
  /** These customers alone, each of whom must exist. */
  readonly customers?: readonly string[] | undefined;
  /** Begins behind this customer. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** Where all connections stand, and a page of them. */
export interface Overview {
  readonly counts: readonly StageCount[];
  readonly total: number;
  readonly connections: readonly Connection[];
  /** The last customer of the page, where there are more. */
  readonly nextAfter: string | undefined;
}

/** @throws KeyshiftError `connection_not_found` when a named customer does not exist */
export async function readOverview(
  store: Pick<Store, 'connections'>,
  { customers, after, limit }: OverviewPage,
): Promise<Overview> {
  const counts = await store.connections.countByStage();
  const all = customers
    ? select(store, { customers })
    : store.connections.list(after === undefined ? {} : { afterCustomerId: after });
  const connections: Connection[] = [];
  let nextAfter: string | undefined;
  for await (const connection of all) {
    if (connections.length === limit) {
      nextAfter = connections.at(-1)?.customerId;
      break;
    }
    connections.push(connection);
  }
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  return { counts, total, connections, nextAfter };
}

/** Accounts that have installed the app and belong to no customer. */
export async function listUnclaimed(
  store: Pick<Store, 'grants'>,
  clientId: string | undefined,
): Promise<readonly UnclaimedGrant[]> {
  return clientId === undefined ? [] : store.grants.listUnclaimed(clientId);
}

/** Returns the customer of a connection, `undefined` where it is gone; each is looked up once. */
export function createCustomerNames({
  connections,
}: Pick<Store, 'connections'>): (connectionId: string) => Promise<string | undefined> {
  const known = new Map<string, string | undefined>();
  return async (connectionId) => {
    if (!known.has(connectionId)) {
      // An audit log may be of more customers than memory should hold.
      if (known.size >= 10_000) known.clear();
      known.set(connectionId, (await connections.findById(connectionId))?.customerId);
    }
    return known.get(connectionId);
  };
}

/** A row about a connection, with its customer's id; the connection's own where it is gone. */
export type Named<Row> = Row & { readonly customerId: string };

/** Who still sent private keys of connections on OAuth since a time, of one customer or of all. */
export async function listKeySightings(
  store: Store,
  sinceMs: number,
  customerId?: string,
): Promise<readonly Named<KeySighting>[]> {
  const connectionId = await connectionIdOf(store, customerId);
  return named(store, await store.keySightings.list(sinceMs, connectionId));
}

/** How answers with the key and over OAuth compared, of one customer or of all. */
export async function listComparisons(
  store: Store,
  customerId?: string,
): Promise<readonly Named<ShadowResult>[]> {
  return named(store, await store.shadow.list(await connectionIdOf(store, customerId)));
}

/** Operations that have a route of their own; `customerId` is absent for those of everybody. */
export async function listExceptions(
  store: Store,
): Promise<readonly (RouteException & { readonly customerId: string | undefined })[]> {
  const nameOf = createCustomerNames(store);
  const rows = [];
  for (const row of await store.routeExceptions.list()) {
    const { connectionId: id } = row;
    rows.push({ ...row, customerId: id === undefined ? undefined : ((await nameOf(id)) ?? id) });
  }
  return rows;
}

async function connectionIdOf(store: Store, customerId: string | undefined) {
  return customerId === undefined ? undefined : (await requireConnection(store, customerId)).id;
}

async function named<Row extends { readonly connectionId: string }>(
  store: Store,
  rows: readonly Row[],
): Promise<readonly Named<Row>[]> {
  const nameOf = createCustomerNames(store);
  const found: Named<Row>[] = [];
  for (const row of rows) {
    found.push({ ...row, customerId: (await nameOf(row.connectionId)) ?? row.connectionId });
  }
  return found;
}
