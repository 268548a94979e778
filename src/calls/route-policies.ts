import type { Clock } from '../runtime/clock.ts';
import type { Store } from '../store/store.ts';
import { createRecentReads, routeAgeMs } from './recent-reads.ts';
import type { RoutePolicies } from '../model/route-policy.ts';

/** The switch that overrides the route of every connection. */
export const routeSwitchName = 'route';

/** The switch that keeps calls from falling back to the key while it is `off`. */
export const fallBackSwitchName = 'fall_back';

/** What operators decided, read anew often enough to act within a second. */
export type ReadPolicies = () => RoutePolicies | Promise<RoutePolicies>;

/** Creates the reader; all calls of a process share what it read. */
export function createPolicyReader(store: Store, clock: Clock): ReadPolicies {
  const version = () => store.version();
  const recent = createRecentReads<RoutePolicies>({
    ...{ clock, maxAgeMs: routeAgeMs, capacity: 1, version },
  });

  async function read(): Promise<RoutePolicies> {
    const [route, fallBack, exceptions] = await Promise.all([
      store.switches.get(routeSwitchName),
      store.switches.get(fallBackSwitchName),
      store.routeExceptions.list(),
    ]);
    return {
      routeSwitch: route === 'key' || route === 'oauth' ? route : undefined,
      fallBack: fallBack !== 'off',
      exceptions,
    };
  }

  return () => recent.get('policies', read);
}
