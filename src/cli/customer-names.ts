import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Connection } from '../model/connection.ts';
import type { Store } from '../store/store.ts';

/** The customers that rows belong to, read once each. */
export interface CustomerNames {
  /** The customer of a connection; the connection's own id where it is gone. */
  of(connectionId: string): Promise<string>;
}

/** Creates the names over a store. */
export function createCustomerNames(store: Store): CustomerNames {
  const known = new Map<string, string>();
  return {
    async of(connectionId) {
      let name = known.get(connectionId);
      if (name === undefined) {
        name = (await store.connections.findById(connectionId))?.customerId ?? connectionId;
        known.set(connectionId, name);
      }
      return name;
    },
  };
}

/**
 * The connection of a customer that a command names.
 *
 * @throws KeyshiftError `connection_not_found`
 */
export async function requireConnection(store: Store, customerId: string): Promise<Connection> {
  const connection = await store.connections.findByCustomer(customerId);
  if (connection) return connection;
  throw new KeyshiftError(
    'connection_not_found',
    `No connection belongs to customer ${JSON.stringify(customerId)}.`,
  );
}
