import { z } from 'zod';
import type { ApiRequestInit } from '../../calls/api-call.ts';
import type { ApiCaller } from '../../calls/api-caller.ts';
import type { CredentialSource } from '../../calls/driver.ts';
import { KlaviyoApiFailure } from '../../calls/klaviyo-api-failure.ts';
import { isKeyshiftError, isKind, KeyshiftError } from '../../errors/keyshift-error.ts';
import type { MetricCounts } from './compare-metrics.ts';
import {
  metricPage,
  toMetric,
  type Dependent,
  type Metric,
  type MetricSnapshot,
} from './metric.ts';

/** Reads an account by one credential. */
export interface AccountReader {
  readonly callApi: ApiCaller;
  readonly source: CredentialSource;
  readonly signal?: AbortSignal | undefined;
}

/** Counting keeps to Klaviyo's 60 calls a minute: a call may wait for its turn so long. */
const deadlineMs = 180_000;
const maxPages = 500;
/** Klaviyo counts over a year at most. */
const longestMs = 364 * 86_400_000;

/** Every metric of the account. */
export async function readMetrics(reader: AccountReader): Promise<Metric[]> {
  const metrics: Metric[] = [];
  for await (const body of pages(reader, '/api/metrics')) {
    metrics.push(...parse(metricPage, body).data.map(toMetric));
  }
  return metrics;
}

const namedList = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      attributes: z.looseObject({ name: z.string().catch('') }).optional(),
    }),
  ),
});

/**
 * The flows and segments that hang on the metrics. What the credential may not read is left out,
 * and said so.
 */
export async function readDependents(
  reader: AccountReader,
  metrics: readonly Metric[],
): Promise<Pick<MetricSnapshot, 'dependents' | 'knows'>> {
  const flows = await whereAllowed(async () => {
    const found: Dependent[] = [];
    for (const { id: metricId } of metrics) {
      const path = `/api/metrics/${encodeURIComponent(metricId)}/flow-triggers`;
      const { data } = parse(namedList, await call(reader, path));
      const toFlow = ({ id, attributes }: (typeof data)[number]): Dependent => ({
        ...{ kind: 'flow', id, name: attributes?.name ?? '', metricId },
      });
      found.push(...data.map(toFlow));
    }
    return found;
  });
  const segments = await whereAllowed(async () => {
    const found: Dependent[] = [];
    for await (const body of pages(reader, '/api/segments')) {
      for (const { id, attributes } of parse(namedList, body).data) {
        const definition = JSON.stringify(attributes ?? {});
        for (const metric of metrics) {
          if (!definition.includes(JSON.stringify(metric.id))) continue;
          const name = attributes?.name ?? '';
          found.push({ kind: 'segment', id, name, metricId: metric.id });
        }
      }
    }
    return found;
  });
  return {
    dependents: [...(flows ?? []), ...(segments ?? [])],
    knows: { flows: flows !== undefined, segments: segments !== undefined },
  };
}

const aggregate = z.object({
  data: z.object({
    attributes: z.object({
      dates: z.array(z.string()),
      data: z.array(z.object({ measurements: z.object({ count: z.array(z.number()) }) })),
    }),
  }),
});

/** Events of a metric by day, by their own time; `undefined` where Klaviyo does not say. */
export async function countEvents(
  reader: AccountReader,
  metricId: string,
  sinceMs: number,
  nowMs: number,
): Promise<MetricCounts | undefined> {
  const fromMs = Math.max(sinceMs, nowMs - longestMs);
  const attributes = {
    metric_id: metricId,
    measurements: ['count'],
    interval: 'day',
    timezone: 'UTC',
    // A moment later than now, so that what arrived in this second is counted.
    filter: [
      `greater-or-equal(datetime,${isoTime(fromMs)})`,
      `less-than(datetime,${isoTime(nowMs + 2_000)})`,
    ],
  };
  const body = JSON.stringify({ data: { type: 'metric-aggregate', attributes } });
  return whereAllowed(async () => {
    // A question in the form of a POST: asked twice it changes nothing.
    const init = { method: 'POST', body, idempotent: true };
    const { dates, data } = parse(aggregate, await call(reader, '/api/metric-aggregates', init))
      .data.attributes;
    const days = dates.map((date, index) => ({
      day: date.slice(0, 10),
      count: data.reduce((sum, each) => sum + (each.measurements.count[index] ?? 0), 0),
    }));
    return { days, total: days.reduce((sum, { count }) => sum + count, 0) };
  });
}

/** As Klaviyo writes it for this filter: no zone, which `timezone` gives. */
function isoTime(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 23);
}

async function* pages(reader: AccountReader, path: string): AsyncGenerator {
  const linked = z.object({ links: z.object({ next: z.string().nullish() }).nullish() });
  let next: string | undefined = path;
  for (let count = 0; next !== undefined && count < maxPages; count += 1) {
    const body: unknown = await call(reader, next);
    yield body;
    next = parse(linked, body).links?.next ?? undefined;
  }
}

async function call(
  { callApi, source, signal }: AccountReader,
  path: string,
  init: ApiRequestInit = {},
): Promise<unknown> {
  const response = await callApi(source, path, { deadlineMs, ...init, ...(signal && { signal }) });
  return (await response.orThrow()).json();
}

/**
 * `undefined` when the credential may not, when the account's Klaviyo has no such thing, or when it
 * answers in another form: what hangs on the metrics is no reason to do without the metrics.
 */
async function whereAllowed<Result>(read: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isKeyshiftError(error, 'upstream_unreadable')) return undefined;
    const status = error instanceof KlaviyoApiFailure ? error.httpStatus : undefined;
    if (status === 403 || status === 400 || status === 404 || status === 501) return undefined;
    throw error;
  }
}

function parse<Output>(schema: z.ZodType<Output>, body: unknown): Output {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new KeyshiftError('upstream_unreadable', 'Klaviyo’s answer has an unexpected format.');
}

/** Whether another credential should be tried: this one is dead, or may not. */
export function refusesReading(error: unknown): boolean {
  if (error instanceof KlaviyoApiFailure)
    return error.httpStatus === 401 || error.httpStatus === 403;
  return isKind(error, 'grant', 'key') || isKeyshiftError(error, 'token_refused');
}
