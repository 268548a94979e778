import type { ApiCaller } from '../../calls/api-caller.ts';
import { fixedSource, grantSource } from '../../calls/credential-source.ts';
import type { CredentialSource } from '../../calls/driver.ts';
import type { Credentials } from '../../calls/credentials.ts';
import { isKeyshiftError, KeyshiftError } from '../../errors/keyshift-error.ts';
import { parseScopes } from '../../klaviyo/scope-set.ts';
import { withDeadline } from '../../runtime/abortable.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { Random } from '../../runtime/random.ts';
import type { Connection } from '../../model/connection.ts';
import type { Store } from '../../store/store.ts';
import {
  compareMetrics,
  isOwn,
  type MetricComparison,
  type MetricCounts,
} from './compare-metrics.ts';
import { parseSnapshot, type MetricSnapshot } from './metric.ts';
import {
  countEvents,
  readDependents,
  readMetrics,
  refusesReading,
  type AccountReader,
} from './read-metrics.ts';

/** A snapshot, and when it was taken. */
export interface TakenSnapshot extends MetricSnapshot {
  readonly takenAtMs: number;
}

/** A comparison, with what it compares. */
export interface DatedComparison extends MetricComparison {
  readonly snapshotAtMs: number;
  /** Since when events are counted: the cutover, the canary, else the snapshot. */
  readonly countedSinceMs: number;
  readonly comparedAtMs: number;
}

/** Watches what a migration does to an account's metrics. */
export interface MetricContinuity {
  /**
   * Reads the account's metrics and what hangs on them, and keeps them.
   *
   * @throws KeyshiftError `scope_missing` when no credential may read metrics, `upstream_*`
   */
  snapshot(connection: Connection, signal?: AbortSignal): Promise<TakenSnapshot>;
  /** As {@link MetricContinuity.snapshot} where the grant holds `metrics:read`; else nothing. */
  snapshotIfGranted(
    connection: Connection,
    signal?: AbortSignal,
  ): Promise<TakenSnapshot | undefined>;
  /**
   * Compares the account's metrics with the snapshot from before traffic moved.
   *
   * @throws KeyshiftError `stage_conflict` without a snapshot; as {@link MetricContinuity.snapshot}
   */
  compare(connection: Connection, signal?: AbortSignal): Promise<DatedComparison>;
}

/** What {@link createMetricContinuity} works with. */
export interface MetricContinuityOptions {
  readonly store: Store;
  readonly callApi: ApiCaller;
  readonly credentials: Credentials;
  readonly clientId: string;
  readonly clock: Clock;
  readonly random: Random;
}

/** Metrics whose events are counted in one comparison: a minute of Klaviyo's limit. */
const mostCounted = 60;

/** Creates the service. */
export function createMetricContinuity(options: MetricContinuityOptions): MetricContinuity {
  const { store, callApi, credentials, clientId, clock, random } = options;

  async function snapshot(connection: Connection, signal?: AbortSignal): Promise<TakenSnapshot> {
    const content = await read(connection, signal, async (reader) => {
      const metrics = await readMetrics(reader);
      return { metrics, ...(await readDependents(reader, metrics.filter(isOwn))) };
    });
    const takenAtMs = clock.now();
    await store.metricRecords.saveSnapshot({
      ...{ id: random.id(), connectionId: connection.id, takenAtMs },
      content: JSON.stringify(content),
    });
    return { ...content, takenAtMs };
  }

  return {
    snapshot,
    async snapshotIfGranted(connection, signal) {
      return (await holdsMetricsRead(connection)) ? snapshot(connection, signal) : undefined;
    },

    async compare(connection, signal) {
      const movedMs = connection.liveSinceMs ?? connection.watchedSinceMs;
      const stored = await findSnapshot(connection, movedMs);
      const before = parseSnapshot(stored.content);
      const countedSinceMs = movedMs ?? stored.takenAtMs;
      const comparison = await read(connection, signal, async (reader) => {
        const after = await readMetrics(reader);
        const counts = new Map<string, MetricCounts | undefined>();
        for (const { id } of after.filter(isOwn).slice(0, mostCounted)) {
          const counted = await countEvents(reader, id, countedSinceMs, clock.now());
          counts.set(id, counted);
          // Whoever may not count one metric may not count the next.
          if (!counted) break;
        }
        return compareMetrics(before, after, ({ id }) => counts.get(id));
      });
      const comparedAtMs = clock.now();
      const dated = { ...comparison, snapshotAtMs: stored.takenAtMs, countedSinceMs, comparedAtMs };
      await store.metricRecords.saveComparison({
        ...{ connectionId: connection.id, comparedAtMs, verdict: comparison.verdict },
        content: JSON.stringify(dated),
      });
      return dated;
    },
  };

  async function findSnapshot(connection: Connection, movedMs: number | undefined) {
    const records = store.metricRecords;
    const stored =
      (await records.latestSnapshot(connection.id, movedMs)) ??
      (await records.latestSnapshot(connection.id));
    if (stored) return stored;
    throw new KeyshiftError(
      'stage_conflict',
      `Customer ${connection.customerId} has no snapshot of its metrics.`,
      { fix: 'Run `keyshift metrics snapshot` before the cutover.' },
    );
  }

  async function holdsMetricsRead({ accountId }: Connection): Promise<boolean> {
    if (accountId === undefined) return false;
    const grant = await store.grants.find({ clientId, accountId });
    return grant?.state === 'active' && parseScopes(grant.scope).includes('metrics:read');
  }

  /** By the grant where it may read metrics, else by the key, whose scopes only a try can tell. */
  async function read<Result>(
    connection: Connection,
    signal: AbortSignal | undefined,
    work: (reader: AccountReader) => Promise<Result>,
  ): Promise<Result> {
    const sources: CredentialSource[] = [];
    const { accountId } = connection;
    if (accountId !== undefined && (await holdsMetricsRead(connection))) {
      sources.push(grantSource(credentials, accountId));
    }
    const key = await credentials.provedKey(connection);
    if (key) sources.push(fixedSource(key));
    if (sources.length === 0 && connection.key === 'held') {
      throw new KeyshiftError(
        'account_unverified',
        `The private key of customer ${connection.customerId} was not checked yet.`,
        { fix: 'Run `keyshift check`, then take the snapshot.' },
      );
    }
    for (const source of sources) {
      try {
        return await work({ callApi, source, signal });
      } catch (error) {
        if (!refusesReading(error)) throw error;
      }
    }
    throw new KeyshiftError(
      'scope_missing',
      `Neither the consent nor the key of customer ${connection.customerId} may read metrics.`,
      { fix: 'Add metrics:read to KLAVIYO_SCOPES and to the app, and let the customer consent.' },
    );
  }
}

/** Milliseconds that a cutover waits for its snapshot. */
const patienceMs = 120_000;

/**
 * Takes a snapshot before traffic moves, where the grant may read metrics. A snapshot that fails
 * is logged and holds nothing up: it can be taken by hand.
 */
export function keepMetrics(
  metrics: Pick<MetricContinuity, 'snapshotIfGranted'>,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): (connection: Connection) => Promise<void> {
  return async (connection) => {
    try {
      await withDeadline(clock, patienceMs, (signal) =>
        metrics.snapshotIfGranted(connection, signal),
      );
    } catch (error) {
      const isTimeout = error instanceof DOMException && error.name === 'TimeoutError';
      if (!isKeyshiftError(error) && !isTimeout) throw error;
      const { customerId: customer } = connection;
      logger.warn({ customer, reason: error.message }, 'no snapshot of the metrics was taken');
    }
  };
}
