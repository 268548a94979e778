import { betaOperations, operations } from '../klaviyo/operations.ts';
import type { ObservedOperation } from '../model/traffic.ts';
import type { Sighting } from './sighting.ts';

const byId = new Map(
  [...operations, ...betaOperations].map((operation) => [operation.id, operation]),
);

/** What the proxy counted, as sightings: the calls of all customers, added up by operation. */
export function sightingsOfTraffic(observed: readonly ObservedOperation[]): Sighting[] {
  const counts = new Map<string, number>();
  for (const { operation, calls } of observed) {
    counts.set(operation, (counts.get(operation) ?? 0) + calls);
  }
  return [...counts].map(([id, count]) => {
    const seen = { source: 'traffic', count, where: 'calls through Keyshift' } as const;
    const operation = byId.get(id);
    return operation
      ? { kind: 'operation', operation, method: operation.method, path: operation.path, ...seen }
      : { kind: 'unknown', method: undefined, path: '(paths that Klaviyo does not list)', ...seen };
  });
}
