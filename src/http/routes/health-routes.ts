import { Hono } from 'hono';
import type { Registry } from 'prom-client';
import type { HttpDeps, HttpEnv } from '../http-context.ts';

/** Liveness, readiness, and figures for Prometheus. */
export function createHealthRoutes({
  keyshift,
}: HttpDeps<'store' | 'tokens' | 'sweeper' | 'traffic'>): Hono<HttpEnv> {
  const { store } = keyshift;
  let metrics: Promise<Registry> | undefined;
  // Loaded by the first scrape: a server that nobody scrapes need not carry the library.
  const loadMetrics = async () => (await import('../metrics.ts')).createMetrics(keyshift);
  const routes = new Hono<HttpEnv>();
  routes.get('/healthz', (context) => context.json({ status: 'ok' }));
  routes.get('/readyz', async (context) => {
    await store.ping();
    return context.json({ status: 'ready' });
  });
  routes.get('/metrics', async (context) => {
    const registry = await (metrics ??= loadMetrics());
    return context.body(await registry.metrics(), 200, { 'content-type': registry.contentType });
  });
  return routes;
}
