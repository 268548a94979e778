import { Hono } from 'hono';
import { readEvery } from '../../runtime/read-every.ts';
import type { HttpDeps, HttpEnv } from '../http-context.ts';
import { requireMetricsToken } from '../service-caller.ts';

/** Liveness, readiness, and figures for Prometheus: cheap, however often strangers ask. */
export function createHealthRoutes(
  deps: HttpDeps<
    | 'config'
    | 'store'
    | 'tokens'
    | 'sweeper'
    | 'traffic'
    | 'consents'
    | 'clock'
    | 'guesses'
    | 'readOrigin'
    | 'readiness'
  >,
): Hono<HttpEnv> {
  const { keyshift } = deps;
  const { config, clock } = keyshift;
  const isOpen = config.mode === 'development' && config.metricsToken === undefined;
  // Loaded by the first scrape: a server that nobody scrapes need not carry the library.
  const loadRegistry = async () => (await import('../metrics.ts')).createMetrics(keyshift);
  let registry: ReturnType<typeof loadRegistry> | undefined;
  // The database counts every connection for them.
  const readFigures = readEvery(clock, 10_000, async () => {
    const figures = await (registry ??= loadRegistry());
    return { contentType: figures.contentType, text: await figures.metrics() };
  });

  const routes = new Hono<HttpEnv>();
  routes.get('/healthz', (context) => context.json({ status: 'ok' }));
  routes.get('/readyz', async (context) => {
    const state = await keyshift.readiness.check();
    return context.json(state, state.status === 'draining' ? 503 : 200);
  });
  routes.get('/metrics', async (context) => {
    if (!isOpen) await requireMetricsToken(context, deps);
    const { text, contentType } = await readFigures();
    return context.body(text, 200, { 'content-type': contentType });
  });
  return routes;
}
