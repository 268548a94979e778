export { createMiddleware } from './http/create-middleware.ts';
export type { Middleware, Next } from './http/create-middleware.ts';
