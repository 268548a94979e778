import { z } from 'zod';

/** Whose events a metric holds. */
export type MetricSource =
  /** A private key, /client or onsite JavaScript: Klaviyo names it `API`. */
  | 'key'
  /** An OAuth app. */
  | 'app'
  /** Klaviyo's own, and other integrations: a migration does not touch them. */
  | 'other';

/** A metric as it was read. */
export interface Metric {
  readonly id: string;
  readonly name: string;
  readonly source: MetricSource;
  /** What Klaviyo calls the integration: `API`, or the app's name once a metric is branded. */
  readonly integration: string;
}

/** A flow or a segment that hangs on a metric. */
export interface Dependent {
  readonly kind: 'flow' | 'segment';
  readonly id: string;
  readonly name: string;
  readonly metricId: string;
}

/** An account's metrics at one time. */
export interface MetricSnapshot {
  readonly metrics: readonly Metric[];
  readonly dependents: readonly Dependent[];
  /** Whether flows and segments could be read; where not, there may be dependents unknown. */
  readonly knows: { readonly flows: boolean; readonly segments: boolean };
}

const text = z.string().catch('');

/** One page of `GET /api/metrics`. */
export const metricPage = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      attributes: z.object({
        name: text,
        integration: z
          .object({ object: text, key: text, name: text })
          .partial()
          .nullish()
          .catch(undefined),
      }),
    }),
  ),
  links: z.object({ next: z.string().nullish() }).nullish(),
});

/** Reads one metric of a page. */
export function toMetric({ id, attributes }: z.infer<typeof metricPage>['data'][number]): Metric {
  const { name, integration } = attributes;
  return { id, name, source: sourceOf(integration), integration: integration?.name ?? '' };
}

function sourceOf(
  integration: { object?: string | undefined; key?: string | undefined } | null | undefined,
): MetricSource {
  if (integration?.object === 'application') return 'app';
  return integration?.key === 'api' ? 'key' : 'other';
}

const storedSnapshot = z.object({
  metrics: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      source: z.enum(['key', 'app', 'other']),
      integration: z.string(),
    }),
  ),
  dependents: z.array(
    z.object({
      kind: z.enum(['flow', 'segment']),
      id: z.string(),
      name: z.string(),
      metricId: z.string(),
    }),
  ),
  knows: z.object({ flows: z.boolean(), segments: z.boolean() }),
});

/** Reads a snapshot as it was stored. */
export function parseSnapshot(content: string): MetricSnapshot {
  return storedSnapshot.parse(JSON.parse(content));
}
