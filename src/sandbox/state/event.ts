import { z } from 'zod';
import type { JsonObject } from './json.ts';
import { jsonObjectSchema, storedFields, type Stored } from './stored-resource.ts';

export interface StoredEvent extends Stored {
  readonly uuid: string;
  readonly profileId: string;
  readonly metricId: string;
  readonly uniqueId: string;
  readonly timeMs: number;
  readonly properties: JsonObject;
}

export const eventSchema: z.ZodType<StoredEvent> = z.object({
  ...storedFields,
  uuid: z.string(),
  profileId: z.string(),
  metricId: z.string(),
  uniqueId: z.string(),
  timeMs: z.number(),
  properties: jsonObjectSchema,
});
