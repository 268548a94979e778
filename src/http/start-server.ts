import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { getRequestListener } from '@hono/node-server';
import type { Keyshift } from '../core/create-keyshift.ts';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import { createProxy } from '../proxy/create-proxy.ts';
import type { KeyshiftApp } from './create-app.tsx';

/** A server that is listening. */
export interface RunningServer {
  readonly url: string;
  /** Stops listening and resolves when the requests under way are answered, or after 5 seconds. */
  close(): Promise<void>;
}

/**
 * Listens on the configured host and port: `/api/*` goes to the streaming proxy, the rest to the
 * app.
 *
 * @throws KeyshiftError `port_in_use`, or `config_invalid` when HOST cannot be listened on
 */
export async function startServer(keyshift: Keyshift, app: KeyshiftApp): Promise<RunningServer> {
  const { config, store, credentials, http, clock, random, logger } = keyshift;
  const proxy = createProxy({
    store,
    credentials,
    serviceTokens: config.serviceTokens,
    dispatcher: http.dispatcher,
    apiUrl: config.endpoints.apiUrl,
    revision: config.revision,
    clock,
    random,
    logger,
  });
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const server = createServer((request, response) => {
    void (request.url?.startsWith('/api/') ? proxy : listener)(request, response);
  });
  await listen(server, config.host, config.port);
  return {
    url: `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${config.port}`,
    close: () => stop(server),
  };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      throw new KeyshiftError('port_in_use', `Port ${port} on ${host} is taken.`, { cause });
    }
    throw new KeyshiftError(
      'config_invalid',
      `HOST ${host} port ${port} cannot be used (${code ?? 'unknown'}).`,
      {
        cause,
        fix:
          code === 'EACCES' ? 'Use a PORT above 1023.' : 'Set HOST to an address of this machine.',
      },
    );
  }
}

async function stop(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
  server.closeIdleConnections();
  const timer = setTimeout(() => {
    server.closeAllConnections();
  }, 5_000);
  await closed;
  clearTimeout(timer);
}
