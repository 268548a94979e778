import { z } from 'zod';
import { anyProfileAttributes, freeObject } from './profile-attributes.ts';

const earliestMs = 631_152_000_000;
const yearMs = 366 * 24 * 3_600_000;

const eventProfile = z.strictObject({
  type: z.literal('profile'),
  id: z.string().min(1).nullish(),
  attributes: anyProfileAttributes.extend({
    meta: z.unknown().optional(),
    _kx: z.unknown().optional(),
  }),
});

const eventMetric = z.strictObject({
  type: z.literal('metric'),
  attributes: z.strictObject({
    name: z.string().trim().min(1).max(127, 'Must be less than 128 characters.'),
    service: z.string().nullish(),
  }),
});

const text = z.string().min(1).max(1_000);

const eventFields = {
  properties: freeObject.refine((value) => Object.keys(value).length <= 400, {
    error: 'Must not exceed 400 properties.',
  }),
  time: z.string().nullish(),
  value: z.number().nullish(),
  value_currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'Must be an ISO 4217 currency code.')
    .nullish(),
  unique_id: text.nullish(),
  backfill: z.boolean().nullish(),
  metric: z.strictObject({ data: eventMetric }),
};

const eventAttributes = z.strictObject({
  ...eventFields,
  profile: z.strictObject({ data: eventProfile }),
});

/** The body of `POST /api/events` (Klaviyo's OpenAPI file, `EventCreateQueryV2`). */
export const eventBody = z.strictObject({
  data: z.strictObject({ type: z.literal('event'), attributes: eventAttributes }),
});

/** One profile with its events in the body of `POST /api/event-bulk-create-jobs`. */
const bulkPart = z.strictObject({
  type: z.literal('event-bulk-create'),
  attributes: z.strictObject({
    profile: z.strictObject({ data: eventProfile }),
    events: z.strictObject({
      data: z
        .array(
          z.strictObject({ type: z.literal('event'), attributes: z.strictObject(eventFields) }),
        )
        .min(1),
    }),
  }),
});

/** The body of `POST /api/event-bulk-create-jobs`: at most 1,000 profiles. */
export const bulkEventBody = z.strictObject({
  data: z.strictObject({
    type: z.literal('event-bulk-create-job'),
    attributes: z.strictObject({
      'events-bulk-create': z.strictObject({ data: z.array(bulkPart).min(1).max(1_000) }),
    }),
  }),
});

/** The attributes of an event as sent. */
export type EventAttributes = z.infer<typeof eventAttributes>;

/**
 * When the event happened, cut to the second: between 1990 and a year from now.
 *
 * @returns `undefined` when the text is not such a time
 */
export function readEventTime(text: string | null | undefined, nowMs: number): number | undefined {
  const ms = text == null ? nowMs : /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (!(ms >= earliestMs && ms <= nowMs + yearMs)) return undefined;
  return Math.floor(ms / 1_000) * 1_000;
}
