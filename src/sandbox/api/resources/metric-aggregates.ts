import { z } from 'zod';
import type { ApiReply } from '../../context/api-error.ts';
import type { JsonObject } from '../../state/json.ts';
import type { StoredEvent } from '../../state/event.ts';
import type { ApiCall, ApiHandler, HandlerTable } from '../api-call.ts';
import { readWrite } from '../body.ts';
import { calledAddress, dataReply, isoTime } from '../json-api.ts';
import { matches } from '../query/matches.ts';
import { parseFilter, type FilterTerm } from '../query/parse-filter.ts';
import { aggregate } from './aggregate.ts';
import { aggregateDimensions, attributionDimensions } from './aggregate-dimensions.ts';
import { createTimeBuckets, isTimezone } from './time-buckets.ts';

const yearMs = 366 * 24 * 3_600_000;

const body = z.strictObject({
  data: z.strictObject({
    type: z.literal('metric-aggregate'),
    attributes: z.strictObject({
      metric_id: z.string(),
      page_cursor: z.string().nullish(),
      measurements: z.array(z.enum(['count', 'sum_value', 'unique'])).min(1),
      interval: z.enum(['hour', 'day', 'week', 'month']).nullish(),
      page_size: z.number().int().min(500, 'page_size must be 500.').max(500).nullish(),
      by: z.array(z.enum(aggregateDimensions)).nullish(),
      return_fields: z.array(z.string()).nullish(),
      filter: z.array(z.string()).min(1),
      timezone: z
        .string()
        .refine(isTimezone, 'Must be the name of a timezone, such as America/New_York.')
        .nullish(),
      sort: z.string().nullish(),
    }),
  }),
});

type Query = z.infer<typeof body>['data']['attributes'];

/** A refusal with the place in the body it is about. */
const refuse = (call: ApiCall, name: string, detail: string) => ({
  refusal: call.errors.invalid(detail, { pointer: `/data/attributes/${name}` }),
});

/** The time range of the filters and what else they ask for. */
interface Conditions {
  readonly fromMs: number;
  readonly toMs: number;
  readonly terms: readonly FilterTerm[];
}

/**
 * `POST /api/metric-aggregates`: counts, sums of values and unique profiles by interval, split by
 * properties of the events. A range of at most a year, 500 rows a page (documented); Klaviyo refuses
 * `sort` and smaller pages, whatever its file says (recorded).
 */
const queryAggregates: ApiHandler = (call) => {
  const read = readWrite(call, body);
  if ('refusal' in read) return read.refusal;
  const query = read.body.data.attributes;
  const refusal = refuseQuery(call, query);
  if (refusal) return refusal;
  const conditions = readConditions(call, query.filter);
  if ('refusal' in conditions) return conditions.refusal;
  const { dates, rows } = aggregate(eventsOf(call, query.metric_id, conditions), {
    ...conditions,
    buckets: createTimeBuckets(query.interval ?? 'day', query.timezone ?? 'UTC'),
    by: query.by ?? [],
    measurements: query.measurements,
  });
  const from = Number(query.page_cursor ?? 0);
  const to = from + (query.page_size ?? 500);
  const attributes: JsonObject = { dates: dates.map(isoTime), data: rows.slice(from, to) };
  return dataReply(
    call,
    200,
    {
      type: 'metric-aggregate',
      id: call.context.random.id(),
      attributes: returned(attributes, query.return_fields),
    },
    {
      links: {
        self: calledAddress(call),
        next: to < rows.length ? String(to) : null,
        prev: null,
      },
    },
  );
};

/** Limits the answer to the fields named, where any are. */
function returned(attributes: JsonObject, fields: Query['return_fields']): JsonObject {
  if (!fields?.length) return attributes;
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => fields.includes(name)));
}

function refuseQuery(call: ApiCall, query: Query): ApiReply | undefined {
  const { metric_id, page_cursor, by, sort } = query;
  if (!call.resources.metrics.get(metric_id)) return call.errors.notFound('metric', metric_id);
  if (by?.some((dimension) => attributionDimensions.includes(dimension))) {
    return call.errors.notImplemented('A split by attribution');
  }
  if (page_cursor != null && !/^\d{1,9}$/.test(page_cursor)) {
    return refuse(call, 'page_cursor', 'Invalid cursor.').refusal;
  }
  if (sort != null) return refuse(call, 'sort', 'sort is not supported.').refusal;
  return undefined;
}

function readConditions(
  call: ApiCall,
  filters: readonly string[],
): Conditions | { readonly refusal: ApiReply } {
  const terms: FilterTerm[] = [];
  for (const filter of filters) {
    const parsed = parseFilter(filter);
    if ('unbuilt' in parsed) return { refusal: call.errors.notImplemented(parsed.unbuilt) };
    if ('problem' in parsed) return refuse(call, 'filter', `Invalid filter. ${parsed.problem}`);
    terms.push(...parsed.terms);
  }
  const bound = (operator: FilterTerm['operator']) => {
    const term = terms.find((one) => one.field === 'datetime' && one.operator === operator);
    return Date.parse(withZone(String(term?.values[0])));
  };
  const [fromMs, toMs] = [bound('greater-or-equal'), bound('less-than')];
  if (!(fromMs < toMs)) {
    const detail = 'Must have a greater-or-equal and a later less-than on datetime.';
    return refuse(call, 'filter', detail);
  }
  if (toMs - fromMs > yearMs) return refuse(call, 'filter', 'Must not span more than a year.');
  const others = terms.filter(({ field }) => field !== 'datetime');
  const strange = others.find(({ field }) => !isDimension(field));
  if (strange) return refuse(call, 'filter', `'${strange.field}' cannot be filtered by.`);
  return { fromMs, toMs, terms: others };
}

const isDimension = (field: string) => (aggregateDimensions as readonly string[]).includes(field);

/** A time without a zone is one of UTC (assumed). */
function withZone(text: string): string {
  return /^\d{4}-\d{2}-\d{2}T[\d:.]+$/.test(text) ? `${text}Z` : text;
}

function eventsOf(
  call: ApiCall,
  metricId: string,
  { fromMs, toMs, terms }: Conditions,
): StoredEvent[] {
  return call.resources.events
    .all()
    .filter(
      (event) =>
        event.metricId === metricId &&
        event.timeMs >= fromMs &&
        event.timeMs < toMs &&
        terms.every((term) => matches(term, event.properties[term.field])),
    );
}

export const aggregateHandlers: HandlerTable = { query_metric_aggregates: queryAggregates };
