import { Hono } from 'hono';
import type { HttpDeps, HttpEnv } from '../http-context.ts';

/** Liveness, readiness, and figures for Prometheus. */
export function createHealthRoutes({ keyshift }: HttpDeps): Hono<HttpEnv> {
  const { store } = keyshift;
  const routes = new Hono<HttpEnv>();
  routes.get('/healthz', (context) => context.json({ status: 'ok' }));
  routes.get('/readyz', async (context) => {
    await store.ping();
    return context.json({ status: 'ready' });
  });
  return routes;
}
