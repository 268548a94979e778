import type { ApiReply } from '../../context/api-error.ts';
import type { JsonObject } from '../../state/json.ts';
import type { StoredResource } from '../../state/stored-resource.ts';
import type { ApiCall } from '../api-call.ts';
import { isoTime } from '../json-api.ts';
import type { ApiQuery } from '../query/read-query.ts';
import { presentReply } from '../resource-kind.ts';
import { addStored, type StoredKind } from '../stored-kind.ts';

/** How long Klaviyo keeps a job, by the times its examples show. Assumed. */
const keptMs = 7 * 24 * 3_600_000;

/** What came of a job. */
export interface JobOutcome {
  readonly total: number;
  /** Parts that failed; a suppression calls them skipped. */
  readonly failed: number;
  readonly related?: StoredResource['related'];
  /** Errors that the job itself shows. */
  readonly errors?: readonly JsonObject[];
}

/** How a kind of job calls what it could not do, and which times it shows besides. */
export interface JobShape {
  readonly failures: 'failed_count' | 'skipped_count';
  readonly times: readonly ('started_at' | 'expires_at')[];
}

/** Keeps a job that is done: the sandbox does the work before it answers. */
export function addJob(
  call: ApiCall,
  kind: StoredKind,
  { failures, times }: JobShape,
  { total, failed, related, errors }: JobOutcome,
): StoredResource {
  const nowMs = call.context.clock.now();
  const now = isoTime(nowMs);
  const attributes = {
    status: 'complete',
    created_at: now,
    total_count: total,
    completed_count: total - failed,
    [failures]: failed,
    completed_at: now,
    ...(times.includes('started_at') ? { started_at: now } : {}),
    ...(times.includes('expires_at') ? { expires_at: isoTime(nowMs + keptMs) } : {}),
    ...(errors ? { errors } : {}),
  };
  return addStored(call, kind, attributes, { id: call.context.random.id(), related });
}

/** The answer to the call that began a job: as Klaviyo shows one that waits. */
export function queuedReply(
  call: ApiCall,
  query: ApiQuery,
  kind: StoredKind,
  job: StoredResource,
): ApiReply {
  const waiting: JsonObject = { status: 'queued', completed_count: 0, completed_at: null };
  const before = { ...waiting, failed_count: 0, skipped_count: 0, started_at: null, errors: [] };
  const begun = Object.fromEntries(
    Object.entries(before).filter(([name]) => Object.hasOwn(job.attributes, name)),
  );
  const queued = { ...job, attributes: { ...job.attributes, ...begun } };
  return presentReply(call, query, kind, queued, 202);
}
