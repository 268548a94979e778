import { z } from 'zod';
import type { ApiHandler, HandlerTable } from '../api-call.ts';
import { readWrite } from '../body.ts';
import { calledAddress, dataReply, isoTime } from '../json-api.ts';
import { freeObject } from './profile-attributes.ts';
import { createTimeBuckets, type Interval } from './time-buckets.ts';

const dayMs = 24 * 3_600_000;

/** How far the named timeframes go back, in days. Months count thirty (assumed). */
const timeframes: Readonly<Record<string, number>> = {
  today: 0,
  yesterday: 1,
  this_week: 6,
  last_7_days: 7,
  last_week: 13,
  this_month: 30,
  last_30_days: 30,
  last_month: 60,
  last_90_days: 90,
  last_3_months: 90,
  last_365_days: 365,
  last_12_months: 365,
  this_year: 365,
  last_year: 730,
};

const intervals = {
  hourly: 'hour',
  daily: 'day',
  weekly: 'week',
  monthly: 'month',
} as const satisfies Record<string, Interval>;

const time = z.string().regex(/^\d{4}-\d{2}-\d{2}/, 'Must be a date.');

const timeframe = z.union([
  z.strictObject({ key: z.enum(Object.keys(timeframes)) }),
  z.strictObject({ start: time, end: time }),
]);

/** A kind of report: whose numbers, and whether by interval. */
interface Report {
  readonly type: string;
  readonly isSeries: boolean;
  /** Whether conversions are counted, of a metric that the account has. */
  readonly hasConversions: boolean;
}

/**
 * Answers a report. The sandbox sends no message and shows no form, so that every report is empty,
 * with the times its intervals begin at (recorded).
 */
function report({ type, isSeries, hasConversions }: Report): ApiHandler {
  const schema = z.strictObject({
    data: z.strictObject({
      type: z.literal(type),
      attributes: z.strictObject({
        statistics: z.array(z.string()).min(1),
        timeframe,
        ...(isSeries ? { interval: z.enum(['hourly', 'daily', 'weekly', 'monthly']) } : {}),
        ...(hasConversions ? { conversion_metric_id: z.string() } : {}),
        group_by: z.array(z.string()).nullish(),
        filter: z.union([z.string(), freeObject]).nullish(),
      }),
    }),
  });
  return (call) => {
    const read = readWrite(call, schema);
    if ('refusal' in read) return read.refusal;
    const {
      interval,
      conversion_metric_id: metricId,
      timeframe: frame,
    } = read.body.data.attributes as {
      readonly interval?: keyof typeof intervals;
      readonly conversion_metric_id?: string;
      readonly timeframe: z.infer<typeof timeframe>;
    };
    if (metricId !== undefined && !call.resources.metrics.get(metricId)) {
      return call.errors.invalid(`Metric with id ${metricId} does not exist.`, {
        pointer: '/data/attributes/conversion_metric_id',
      });
    }
    const nowMs = call.context.clock.now();
    const [fromMs, toMs] =
      'key' in frame
        ? [nowMs - (timeframes[frame.key] ?? 0) * dayMs, nowMs]
        : [Date.parse(frame.start), Date.parse(frame.end)];
    if (!(fromMs <= toMs)) {
      const pointer = '/data/attributes/timeframe';
      return call.errors.invalid('The start must be before the end.', { pointer });
    }
    const dates = interval === undefined ? undefined : datesOf(intervals[interval], fromMs, toMs);
    const attributes = { results: [], ...(dates ? { date_times: dates } : {}) };
    const self = calledAddress(call);
    return dataReply(
      call,
      200,
      { type, id: call.context.random.id(), attributes },
      { links: hasConversions ? { self, next: null, prev: null } : { self } },
    );
  };
}

/** When each interval begins; a year of hours at most. */
function datesOf(interval: Interval, fromMs: number, toMs: number): string[] {
  const buckets = createTimeBuckets(interval, 'UTC');
  const dates: string[] = [];
  for (
    let at = buckets.startOf(fromMs);
    at <= toMs && dates.length < 8_784;
    at = buckets.next(at)
  ) {
    dates.push(isoTime(at));
  }
  return dates;
}

const values = (type: string, hasConversions = false) =>
  report({ type, isSeries: false, hasConversions });
const series = (type: string, hasConversions = false) =>
  report({ type, isSeries: true, hasConversions });

export const reportHandlers: HandlerTable = {
  query_campaign_values: values('campaign-values-report', true),
  query_flow_values: values('flow-values-report', true),
  query_flow_series: series('flow-series-report', true),
  query_form_values: values('form-values-report'),
  query_form_series: series('form-series-report'),
  query_segment_values: values('segment-values-report'),
  query_segment_series: series('segment-series-report'),
};
