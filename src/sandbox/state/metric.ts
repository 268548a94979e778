import { z } from 'zod';
import { stableUlid } from '../ids.ts';
import type { App } from './app.ts';
import { storedFields, type Stored } from './stored-resource.ts';

/** Where a metric's events come from, as Klaviyo shows it. */
export interface Integration {
  readonly object: 'integration' | 'application';
  readonly id: string;
  readonly key: string;
  readonly name: string;
  /** A string for Klaviyo's own integrations, an object for OAuth apps (recorded live). */
  readonly category: string | { readonly id: number; readonly category: string };
}

export interface Metric extends Stored {
  readonly name: string;
  readonly integration: Integration;
  readonly createdMs: number;
  readonly updatedMs: number;
  /** When a private key last sent an event of this metric. */
  readonly lastKeyEventMs?: number | undefined;
}

export const metricSchema: z.ZodType<Metric> = z.object({
  ...storedFields,
  name: z.string(),
  integration: z.object({
    object: z.enum(['integration', 'application']),
    id: z.string(),
    key: z.string(),
    name: z.string(),
    category: z.union([z.string(), z.object({ id: z.number(), category: z.string() })]),
  }),
  createdMs: z.number(),
  updatedMs: z.number(),
  lastKeyEventMs: z.number().optional(),
});

/** The integration of metrics sent by private key: one constant for every account (recorded live). */
export const apiIntegration: Integration = {
  object: 'integration',
  id: '7FtS4J',
  key: 'api',
  name: 'API',
  category: 'API',
};

/** The integration of Klaviyo's own metrics (recorded live). */
export const klaviyoIntegration: Integration = {
  object: 'integration',
  id: '0rG4eQ',
  key: 'klaviyo',
  name: 'Klaviyo',
  category: 'Internal',
};

/**
 * The integration of metrics sent by an OAuth app: the same 26-character ULID as id and key, and
 * a category that is an object (form recorded live; the values of the category are made up).
 */
export function appIntegration(app: App): Integration {
  const id = stableUlid(app.clientId);
  return {
    object: 'application',
    id,
    key: id,
    name: app.name,
    category: { id: 1, category: 'Other' },
  };
}
