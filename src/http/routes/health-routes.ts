import { Hono } from 'hono';
import { createMetrics } from '../metrics.ts';
import type { HttpDeps, HttpEnv } from '../http-context.ts';

/** Liveness, readiness, and figures for Prometheus. */
export function createHealthRoutes({ keyshift }: HttpDeps): Hono<HttpEnv> {
  const { store } = keyshift;
  const metrics = createMetrics(keyshift);
  const routes = new Hono<HttpEnv>();
  routes.get('/healthz', (context) => context.json({ status: 'ok' }));
  routes.get('/readyz', async (context) => {
    await store.ping();
    return context.json({ status: 'ready' });
  });
  routes.get('/metrics', async (context) =>
    context.body(await metrics.metrics(), 200, { 'content-type': metrics.contentType }),
  );
  return routes;
}
