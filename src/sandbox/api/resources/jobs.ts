import type { JsonObject } from '../../state/json.ts';
import type { StoredResource } from '../../state/stored-resource.ts';
import type { ApiReply } from '../../context/api-error.ts';
import type { ApiCall } from '../api-call.ts';
import { isoTime } from '../json-api.ts';
import type { ApiQuery } from '../query/read-query.ts';
import { presentReply } from '../resource-kind.ts';
import { addStored, changeStored, collectionOf, type StoredKind } from '../stored-kind.ts';

/** How long Klaviyo keeps a job, by the times its examples show. Assumed. */
const keptMs = 7 * 24 * 3_600_000;

/** What came of a job. */
export interface JobOutcome {
  /** Parts that failed; a suppression calls them skipped. */
  readonly failed: number;
  readonly related?: StoredResource['related'];
  /** Errors that the job itself shows. */
  readonly errors?: readonly JsonObject[];
}

/** How a kind of job begins and what it calls what it could not do (all recorded). */
export interface JobShape {
  readonly status: 'queued' | 'processing';
  readonly failures: 'failed_count' | 'skipped_count';
  /** What it shows besides from the start. */
  readonly besides: readonly ('started_at' | 'expires_at' | 'errors')[];
  /** Suppressions show a time of completion from the start. */
  readonly isDatedAtOnce?: boolean;
}

/** A job that was asked for. */
export interface NewJob {
  readonly shape: JobShape;
  readonly total: number;
  readonly related?: StoredResource['related'];
  /** Does the work, when its time has come. */
  run(job: StoredResource): JobOutcome;
}

/** Keeps a job, answers that it has begun, and does its work a while later. */
export function beginJob(
  call: ApiCall,
  query: ApiQuery,
  kind: StoredKind,
  { shape, total, related, run }: NewJob,
): ApiReply {
  const { status, failures, besides, isDatedAtOnce = false } = shape;
  const nowMs = call.context.clock.now();
  const has = (name: (typeof besides)[number]) => besides.includes(name);
  const attributes = {
    status,
    created_at: isoTime(nowMs),
    total_count: total,
    completed_count: 0,
    [failures]: 0,
    completed_at: isDatedAtOnce ? isoTime(nowMs) : null,
    ...(has('started_at') ? { started_at: null } : {}),
    ...(has('expires_at') ? { expires_at: isoTime(nowMs + keptMs) } : {}),
    ...(has('errors') ? { errors: [] } : {}),
  };
  const job = addStored(call, kind, attributes, { id: call.context.random.id(), related });
  const reply = presentReply(call, query, kind, job, 202);
  call.context.later(() => {
    const { failed, errors, ...outcome } = run(job);
    if (!collectionOf(call, kind).get(job.id)) return;
    const now = isoTime(call.context.clock.now());
    const change = {
      status: 'complete',
      completed_count: total - failed,
      [failures]: failed,
      completed_at: now,
      ...(has('started_at') ? { started_at: now } : {}),
      ...(errors ? { errors } : {}),
    };
    changeStored(call, kind, job, change, { ...related, ...outcome.related });
  });
  return reply;
}
