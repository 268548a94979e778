import type { SentRoute } from '../model/route-policy.ts';

/** Upper bounds of the classes of latency, in milliseconds. */
export const latencyBoundsMs = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000] as const;

/** Calls of one operation, by one route, with one status. */
export interface RouteFigure {
  readonly operation: string;
  readonly route: SentRoute;
  /** The status, or `none` when no answer came. */
  readonly status: string;
  calls: number;
  totalMs: number;
  /** Calls that took at most as long as each of {@link latencyBoundsMs}; not cumulative. */
  readonly byLatency: Uint32Array;
}

/** Counters of one process since it started. */
export interface RouteFigures {
  record(operation: string, route: SentRoute, status: number | undefined, tookMs: number): void;
  list(): Iterable<RouteFigure>;
  countFallBack(reason: string): void;
  /** Fall-backs to the key, by reason. */
  fallBacks(): Iterable<readonly [reason: string, count: number]>;
}

/** Creates the counters: as many as there are operations, routes and statuses in use. */
export function createRouteFigures(): RouteFigures {
  const figures = new Map<string, RouteFigure>();
  const fallBacks = new Map<string, number>();
  return {
    record(operation, route, status, tookMs) {
      const name = `${operation} ${route} ${status ?? 'none'}`;
      let figure = figures.get(name);
      if (!figure) {
        const byLatency = new Uint32Array(latencyBoundsMs.length + 1);
        figure = {
          operation,
          route,
          status: `${status ?? 'none'}`,
          calls: 0,
          totalMs: 0,
          byLatency,
        };
        figures.set(name, figure);
      }
      figure.calls += 1;
      figure.totalMs += tookMs;
      let at = 0;
      while (at < latencyBoundsMs.length && tookMs > (latencyBoundsMs[at] as number)) at += 1;
      figure.byLatency[at] = (figure.byLatency[at] as number) + 1;
    },
    list: () => figures.values(),
    countFallBack: (reason) => void fallBacks.set(reason, (fallBacks.get(reason) ?? 0) + 1),
    fallBacks: () => fallBacks,
  };
}
