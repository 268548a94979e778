import { isFresh, isUsable, type Grant } from '../model/grant.ts';
import type { GrantKey } from '../store/grants.ts';

/** Opened grants of this process, so that a busy account is not decrypted for every call. */
export interface GrantCache {
  /** A grant that was read at most {@link maxAgeMs} ago, and whose token is not about to end. */
  getFresh(key: GrantKey, nowMs: number): Grant | undefined;
  /**
   * While the store is away: a grant that was read at most {@link outageMs} ago, and whose token is
   * still good.
   */
  getThroughOutage(key: GrantKey, nowMs: number): Grant | undefined;
  put(grant: Grant, nowMs: number): void;
  drop(key: GrantKey): void;
  readonly size: number;
}

/** For so long another process's news may go unnoticed; a 401 brings them at once. */
const maxAgeMs = 5_000;

/** For so long calls go on by what was read last, as with the switches of the proxy. */
const outageMs = 300_000;

/** Creates a cache of at most `capacity` grants; the one that was read longest ago leaves first. */
export function createGrantCache(capacity: number): GrantCache {
  const entries = new Map<string, { readonly grant: Grant; readonly readAtMs: number }>();
  return {
    getFresh(key, nowMs) {
      const entry = entries.get(nameOf(key));
      if (!entry || nowMs - entry.readAtMs > maxAgeMs) return undefined;
      return isFresh(entry.grant, nowMs) ? entry.grant : undefined;
    },
    getThroughOutage(key, nowMs) {
      const entry = entries.get(nameOf(key));
      if (!entry || nowMs - entry.readAtMs > outageMs) return undefined;
      return isUsable(entry.grant, nowMs) ? entry.grant : undefined;
    },
    put(grant, nowMs) {
      const name = nameOf(grant);
      const held = entries.get(name)?.grant;
      // A read that took long may bring what a refresh has replaced meanwhile.
      if (held?.id === grant.id && held.generation > grant.generation) return;
      entries.delete(name);
      entries.set(name, { grant, readAtMs: nowMs });
      if (entries.size <= capacity) return;
      const [oldest] = entries.keys();
      if (oldest !== undefined) entries.delete(oldest);
    },
    drop(key) {
      entries.delete(nameOf(key));
    },
    get size() {
      return entries.size;
    },
  };
}

function nameOf({ clientId, accountId }: GrantKey): string {
  return `${clientId} ${accountId}`;
}
