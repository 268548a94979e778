export { createApp } from './http/create-app.tsx';
export type { AppOptions, ConsoleRoutes, KeyshiftApp } from './http/create-app.tsx';
export type { HttpEnv } from './http/http-context.ts';
export { startServer } from './http/start-server.ts';
export type { RunningServer } from './http/start-server.ts';
export { createConsole } from './console/create-console.tsx';
