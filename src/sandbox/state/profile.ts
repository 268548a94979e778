import { z } from 'zod';
import type { JsonObject } from './json.ts';
import { jsonObjectSchema, storedFields, type Stored } from './stored-resource.ts';

export interface Profile extends Stored {
  /** Attributes under Klaviyo's names; absent ones are null to the outside. */
  readonly attributes: JsonObject;
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly lastEventMs: number | null;
  /** Consent by channel under Klaviyo's names; channels left out were never subscribed. */
  readonly subscriptions?: JsonObject | undefined;
}

/** Attributes that identify a profile: each value belongs to one profile of the account. */
export const profileIdentifiers = ['email', 'phone_number', 'external_id', 'anonymous_id'] as const;

export const profileSchema: z.ZodType<Profile> = z.object({
  ...storedFields,
  attributes: jsonObjectSchema,
  createdMs: z.number(),
  updatedMs: z.number(),
  lastEventMs: z.number().nullable(),
  subscriptions: jsonObjectSchema.optional(),
});
