import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { partsOf } from '../core/create-keyshift.ts';
import type { Keyshift } from '../core/keyshift.ts';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from '../runtime/clock.ts';
import { createKeyshiftProxy } from './keyshift-proxy.ts';
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
  const parts = partsOf(keyshift);
  const { config } = parts;
  const proxy = createKeyshiftProxy(parts);
  const listener = getRequestListener(app.fetch);
  const server = createServer((request, response) => {
    void (request.url?.startsWith('/api/') ? proxy : listener)(request, response);
  });
  // Longer than callers and balancers keep idle connections: whoever closes first loses no call.
  server.keepAliveTimeout = 75_000;
  const close = watchConnections(server, parts.clock);
  await listen(server, config.host, config.port);
  return {
    url: `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${config.port}`,
    close,
  };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      throw new KeyshiftError('port_in_use', `Port ${port} on ${host} is already in use.`, {
        cause,
      });
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

/** Milliseconds that requests under way are given when the server stops. */
const graceMs = 5_000;

/**
 * Watches the connections of a server, so that it can stop at once where nothing is under way:
 * browsers keep connections open that never asked for anything.
 */
function watchConnections(server: Server, clock: Clock): () => Promise<void> {
  const underWay = new Map<Socket, number>();
  let stopping = false;

  server.on('connection', (socket) => {
    underWay.set(socket, 0);
    socket.once('close', () => underWay.delete(socket));
  });
  server.on('request', ({ socket }, response) => {
    underWay.set(socket, (underWay.get(socket) ?? 0) + 1);
    if (stopping) response.setHeader('connection', 'close');
    response.once('close', () => {
      const left = (underWay.get(socket) ?? 1) - 1;
      underWay.set(socket, left);
      if (stopping && left === 0) socket.destroySoon();
    });
  });

  return async () => {
    stopping = true;
    const closed = once(server, 'close');
    server.close();
    for (const [socket, requests] of underWay) if (requests === 0) socket.destroy();
    const answered = new AbortController();
    clock.sleep(graceMs, answered.signal).then(
      () => {
        server.closeAllConnections();
      },
      () => undefined,
    );
    await closed;
    answered.abort();
  };
}
