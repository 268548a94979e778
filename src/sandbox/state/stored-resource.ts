import { z } from 'zod';
import { isJsonObject, type JsonObject } from './json.ts';

/** What every resource in a collection has: an id, and a number that grows with each addition. */
export interface Stored {
  readonly id: string;
  readonly seq: number;
}

/** A resource that is neither profile, metric nor event: its attributes stand under Klaviyo's names. */
export interface StoredResource extends Stored {
  readonly attributes: JsonObject;
  readonly createdMs: number;
  readonly updatedMs: number;
  /** Ids of related resources by the name of the relationship. */
  readonly related?: Readonly<Record<string, readonly string[]>> | undefined;
}

export const jsonObjectSchema = z.custom<JsonObject>(isJsonObject, 'must be an object');

/** Fields of {@link Stored}, for the schemas of what extends it. */
export const storedFields = { id: z.string(), seq: z.number().int().positive() };

export const storedResourceSchema: z.ZodType<StoredResource> = z.object({
  ...storedFields,
  attributes: jsonObjectSchema,
  createdMs: z.number(),
  updatedMs: z.number(),
  related: z.record(z.string(), z.array(z.string())).optional(),
});
