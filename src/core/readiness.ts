import type { Clock } from '../runtime/clock.ts';
import { readEvery } from '../runtime/read-every.ts';
import { resultWithin } from '../runtime/result-within.ts';
import type { Store } from '../store/store.ts';

/** What keeps a process from serving all that it should. */
export type ReadinessReason = 'database_unavailable';

/**
 * Whether a balancer should send calls here. `degraded` serves customers whose keys and tokens are
 * in memory and writes nothing: to take such a process out of service helps nobody. `draining` is
 * about to end and takes nothing new.
 */
export type ReadinessState =
  | { readonly status: 'ready' }
  | { readonly status: 'degraded'; readonly reasons: readonly ReadinessReason[] }
  | { readonly status: 'draining' };

/** Tells whether this process is ready for calls. */
export interface Readiness {
  /** Returns within two seconds, however long the database takes. */
  check(): Promise<ReadinessState>;
  /** From now on the process is `draining`. */
  drain(): void;
}

/** A database that takes longer to answer does not carry calls. */
const patienceMs = 2_000;

/** How long what was seen holds. */
const trustedMs = 1_000;

/** What {@link createReadiness} works with. */
export interface ReadinessOptions {
  readonly store: Pick<Store, 'ping'>;
  readonly clock: Clock;
}

/** Looks at the database once a second at most: anyone may ask. */
export function createReadiness({ store, clock }: ReadinessOptions): Readiness {
  let draining = false;
  const readState = readEvery(clock, trustedMs, look);

  async function look(): Promise<ReadinessState> {
    const isThere = store.ping().then(
      () => true,
      () => false,
    );
    const inTime = (await resultWithin(isThere, patienceMs, clock))?.value;
    return inTime ? { status: 'ready' } : { status: 'degraded', reasons: ['database_unavailable'] };
  }

  return {
    async check() {
      const isDraining = () => draining;
      if (isDraining()) return { status: 'draining' };
      const state = await readState();
      // It may have begun to drain while it looked.
      return isDraining() ? { status: 'draining' } : state;
    },
    drain() {
      draining = true;
    },
  };
}
