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
