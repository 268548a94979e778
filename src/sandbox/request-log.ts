import type { CredentialKind } from './http/sandbox-env.ts';

/** One request as the sandbox remembers it: never a token, a key, a query or a body. */
export interface RecordedRequest {
  readonly atMs: number;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** What the request proved to be sent with: a refused credential counts as none. */
  readonly credential: CredentialKind;
  readonly accountId: string | undefined;
  /** Klaviyo's operation id, or `oauth_authorize`, `oauth_exchange`, `oauth_refresh`, … */
  readonly operation: string | undefined;
  /** Status of the answer the request led to, also when a fault lost it; 0 when it led to none. */
  readonly status: number;
  /** Kind of the fault that was applied. */
  readonly fault: string | undefined;
}

/** Counts since the start. */
export interface SandboxStatistics {
  readonly requests: number;
  /** Answers by status. */
  readonly byStatus: Readonly<Record<string, number>>;
  /** Answers by operation and status, such as `byOperation['get_accounts']?.['200']`. */
  readonly byOperation: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Refreshes that succeeded, whether or not the answer arrived. */
  readonly refreshes: number;
  /** Codes exchanged for tokens. */
  readonly exchanges: number;
  /** Requests that a fault was applied to. */
  readonly faults: number;
}

/** Remembers the last requests and counts all of them. */
export interface RequestLog {
  record(request: RecordedRequest): void;
  requests(): RecordedRequest[];
  statistics(): SandboxStatistics;
  /** Forgets all requests and counts. */
  clear(): void;
}

/** @param capacity how many requests to remember */
export function createRequestLog(capacity = 1_000): RequestLog {
  let ring: RecordedRequest[] = [];
  const byOperation = new Map<string, Map<number, number>>();
  const byStatus = new Map<number, number>();
  let next = 0;
  let faults = 0;

  return {
    record(request) {
      const { operation, status, fault } = request;
      ring[next++ % capacity] = { ...request, path: withoutSecrets(request.path) };
      if (fault !== undefined) faults++;
      increment(byStatus, status);
      if (operation === undefined) return;
      let counts = byOperation.get(operation);
      if (!counts) byOperation.set(operation, (counts = new Map<number, number>()));
      increment(counts, status);
    },
    clear() {
      ring = [];
      byOperation.clear();
      byStatus.clear();
      next = 0;
      faults = 0;
    },
    requests() {
      const start = next % capacity;
      return next <= capacity ? [...ring] : [...ring.slice(start), ...ring.slice(0, start)];
    },
    statistics: () => ({
      requests: next,
      byStatus: Object.fromEntries(byStatus),
      byOperation: Object.fromEntries(
        [...byOperation].map(([operation, counts]) => [operation, Object.fromEntries(counts)]),
      ),
      refreshes: byOperation.get('oauth_refresh')?.get(200) ?? 0,
      exchanges: byOperation.get('oauth_exchange')?.get(200) ?? 0,
      faults,
    }),
  };
}

function increment<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** Paths hold ids only, unless someone pastes a credential where an id belongs. */
function withoutSecrets(path: string): string {
  return path
    .slice(0, 200)
    .replace(/pk_[\w-]+/g, 'pk_…')
    .replace(/[\w-]{40,}/g, '…');
}
