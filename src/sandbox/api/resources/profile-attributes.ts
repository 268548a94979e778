import { z } from 'zod';
import { isJsonObject, type JsonObject, type JsonValue } from '../../state/json.ts';

const text = z.string().max(10_000).nullish();
const coordinate = z.union([z.string(), z.number()]).nullish();

/** A JSON object of any shape, kept as it was sent. */
export const freeObject = z.custom<JsonObject>(isJsonObject, 'Must be an object.');

/** What a profile may be given, under Klaviyo's names; an unknown name is an error. */
export const profileAttributes = z.strictObject({
  email: z.email('Invalid email address').max(254).nullish(),
  phone_number: z
    .string()
    .regex(
      /^\+[1-9]\d{6,14}$/,
      'Invalid phone number format (Example of a valid format: +12345678901)',
    )
    .nullish(),
  external_id: text,
  first_name: text,
  last_name: text,
  organization: text,
  locale: text,
  title: text,
  image: text,
  location: z
    .strictObject({
      address1: text,
      address2: text,
      city: text,
      country: text,
      latitude: coordinate,
      longitude: coordinate,
      region: text,
      zip: text,
      timezone: text,
      ip: text,
    })
    .nullish(),
  properties: freeObject.nullish(),
});

/** The same where a browser's anonymous id is taken too: events and `/client`. */
export const anyProfileAttributes = profileAttributes.extend({ anonymous_id: text });

/** Attributes as sent: those left out stay as they are, null clears. */
export type AnyProfileAttributes = z.infer<typeof anyProfileAttributes>;

/** Attributes with a change applied; custom properties and location are merged one by one. */
export function mergeAttributes(before: JsonObject, change: AnyProfileAttributes): JsonObject {
  const given = Object.entries(change).filter(([, value]) => value !== undefined);
  return {
    ...before,
    ...(Object.fromEntries(given) as JsonObject),
    properties: mergeObject(before['properties'], change.properties),
    location: mergeObject(before['location'], change.location as JsonObject | null | undefined),
  };
}

function mergeObject(
  before: JsonValue | undefined,
  change: JsonObject | null | undefined,
): JsonObject {
  if (change === null) return {};
  return { ...(isJsonObject(before) ? before : {}), ...change };
}
