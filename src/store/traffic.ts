import type { ObservedOperation, RouteTally, TrafficRow } from '../model/traffic.ts';
/** Counted calls: written by the proxy every few seconds, read by reports and decisions. */
export interface TrafficStore {
  /** Adds to the buckets; rows of the same bucket are summed up. All of them or none. */
  add(rows: readonly TrafficRow[]): Promise<void>;
  /**
   * What a connection's routes carried since `sinceMs`. A bucket counts as a whole when its last
   * call came at or after `sinceMs`: up to ten minutes too much, never a call too little.
   */
  summarize(
    connectionId: string,
    sinceMs: number,
  ): Promise<{ readonly key: RouteTally; readonly oauth: RouteTally }>;
  /** Operations seen since `sinceMs`, of one connection or of all, by connection, operation, route. */
  observedOperations(sinceMs: number, connectionId?: string): Promise<readonly ObservedOperation[]>;
  /** The counted rows of one connection since `sinceMs`, oldest bucket first. */
  list(connectionId: string, sinceMs: number): Promise<readonly TrafficRow[]>;
  /** Deletes buckets whose last call came before `beforeMs`; answers how many. */
  purge(beforeMs: number): Promise<number>;
}
