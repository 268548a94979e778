import { systemClock, type Clock } from '../../src/runtime/clock.ts';

/** A request that a sandbox holds back by a `delay` fault. */
export interface HeldRequest {
  /** Lets it go on: it is processed, or answered when it was processed already. */
  pass(): void;
  /** Breaks its connection; what was not processed yet never is. */
  drop(): void;
}

/** Holds the delayed requests of a sandbox for as long as the test likes. */
export interface Gate {
  /** The sandbox's clock: the machine's time, but sleepers wait for the test. */
  readonly clock: Clock;
  /** The next request to be held, in order of arrival. */
  next(): Promise<HeldRequest>;
}

/** Creates a gate: a process can be killed or stopped while its request is surely on the wire. */
export function createGate(): Gate {
  const held: HeldRequest[] = [];
  const waiting: ((request: HeldRequest) => void)[] = [];
  return {
    clock: {
      now: systemClock.now,
      timer: systemClock.timer,
      sleep: (_ms, signal) =>
        new Promise((resolve, reject) => {
          const drop = () => reject(new Error('dropped at the gate'));
          signal?.addEventListener('abort', drop, { once: true });
          const request = { pass: () => resolve(), drop };
          const next = waiting.shift();
          if (next) next(request);
          else held.push(request);
        }),
    },
    next() {
      const request = held.shift();
      return request ? Promise.resolve(request) : new Promise((resolve) => waiting.push(resolve));
    },
  };
}
