import type { TrafficOutcome } from '../model/traffic.ts';

/** `traffic`: calls in buckets of ten minutes. `connection_id` is empty where no customer is known. */
export interface TrafficTable {
  connection_id: string;
  bucket_start: number;
  route: 'key' | 'oauth';
  operation: string;
  status: TrafficOutcome;
  calls: number;
  total_ms: number;
  last_error: string | null;
  last_at: number;
}

/** `switches`: what an operator decided for every connection at once; no row is the normal state. */
export interface SwitchTable {
  name: string;
  value: string;
  changed_at: number;
  actor: string;
}

/** `route_exceptions`: operations with a route of their own. An empty `connection_id` means all. */
export interface RouteExceptionTable {
  connection_id: string;
  operation: string;
  route: 'key' | 'oauth';
  created_at: number;
  actor: string;
}

/** `key_sightings`: who still presents the key of a customer whose traffic is on OAuth. */
export interface KeySightingTable {
  connection_id: string;
  source: string;
  user_agent: string;
  operation: string;
  calls: number;
  first_seen_at: number;
  last_seen_at: number;
}

/** `shadow_results`: how answers by key and by OAuth compared. */
export interface ShadowResultTable {
  connection_id: string;
  operation: string;
  compared: number;
  different: number;
  last_compared_at: number;
  last_different_at: number | null;
  last_difference: string | null;
}
