import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import type { Connection } from '../model/connection.ts';

/** The first row of a customer's connection: nothing is known of its account yet. */
export function newConnection(
  runtime: { readonly clock: Clock; readonly random: Random },
  fields: Pick<Connection, 'customerId' | 'stage' | 'route'> &
    Partial<Pick<Connection, 'email' | 'name'>>,
): Omit<Connection, 'version'> {
  const atMs = runtime.clock.now();
  return {
    id: runtime.random.id(),
    accountId: undefined,
    accountName: undefined,
    email: undefined,
    name: undefined,
    attentionReason: undefined,
    attentionFrom: undefined,
    liveSinceMs: undefined,
    canaryPercent: undefined,
    shadowPercent: undefined,
    watchedSinceMs: undefined,
    createdAtMs: atMs,
    updatedAtMs: atMs,
    ...fields,
  };
}
