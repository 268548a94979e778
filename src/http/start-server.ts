import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { Server as TcpServer, type Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { partsOf, type KeyshiftParts } from '../core/create-keyshift.ts';
import type { Keyshift } from '../core/keyshift.ts';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import { toOriginForm } from '../klaviyo/api-path.ts';
import { bodyPauseMs } from '../proxy/request-body.ts';
import { createKeyshiftProxy } from './keyshift-proxy.ts';
import type { KeyshiftApp } from './create-app.tsx';

/** A server that is listening. */
export interface RunningServer {
  readonly url: string;
  /**
   * Ends in three steps: `/readyz` turns red while everything is still served, for
   * SHUTDOWN_DELAY_SEC; then nothing new is taken; what is under way is answered, for at most
   * SHUTDOWN_TIMEOUT_SEC.
   */
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
    request.url = toOriginForm(request.url ?? '');
    const proxied = request.url.startsWith('/api/');
    endStalledBody(request, response, proxied);
    void (proxied ? proxy : listener)(request, response);
  });
  // An upload may take as long as it takes, while it moves.
  server.requestTimeout = 0;
  // Longer than callers and balancers keep idle connections: whoever closes first loses no call.
  server.keepAliveTimeout = 75_000;
  const close = watchConnections(server, parts);
  await listen(server, config.host, config.port);
  return {
    url: `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${config.port}`,
    close,
  };
}

/**
 * Ends a request whose body does not move: with an answer of its own, unless the proxy, which knows
 * who is to blame for a pause, gives one.
 */
function endStalledBody(
  request: IncomingMessage,
  response: ServerResponse,
  proxied: boolean,
): void {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  if (length === '0' || (length ?? encoding) === undefined) return;
  const { socket } = request;
  // Whatever a caller goes on sending after its answer.
  response.once('finish', () => {
    if (request.complete) return;
    request.setTimeout(bodyPauseMs, () => {
      socket.destroy();
    });
  });
  if (proxied) return;
  request.setTimeout(bodyPauseMs, () => {
    if (request.complete || response.headersSent) return;
    const message = `Nothing came of the request body for ${bodyPauseMs / 1000} seconds.`;
    const error = new KeyshiftError('request_incomplete', message);
    const body = JSON.stringify(error);
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    };
    response.writeHead(error.status, { ...headers, connection: 'close' });
    response.end(body, () => {
      socket.destroySoon();
    });
  });
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

/** A caller that has just used a connection may be about to use it again. */
const mostLingerMs = 1_000;

/**
 * Watches the connections of a server, so that it can end without cutting off a call, and at once
 * where nothing is under way: browsers keep connections open that never asked for anything.
 */
function watchConnections(
  server: Server,
  { clock, readiness, config: { shutdown } }: Pick<KeyshiftParts, 'clock' | 'readiness' | 'config'>,
): () => Promise<void> {
  const connections = new Map<Socket, { requests: number; answeredAtMs: number | undefined }>();
  const lingerMs = Math.min(mostLingerMs, shutdown.timeoutMs);
  let leaving = false;

  server.on('connection', (socket) => {
    connections.set(socket, { requests: 0, answeredAtMs: undefined });
    socket.once('close', () => connections.delete(socket));
  });
  server.on('request', ({ socket }, response) => {
    const connection = connections.get(socket);
    if (!connection) return;
    connection.requests += 1;
    // The caller's next request takes a new connection, which the balancer leads elsewhere.
    if (leaving) response.setHeader('connection', 'close');
    response.once('close', () => {
      connection.requests -= 1;
      connection.answeredAtMs = clock.now();
      if (leaving && connection.requests === 0) socket.destroySoon();
    });
  });

  /** Ends connections without a request; those that were used a moment ago get one more. */
  async function endIdle(): Promise<void> {
    const wasJustUsed = ({ answeredAtMs = -Infinity }) => clock.now() - answeredAtMs < lingerMs;
    for (const [socket, connection] of connections) {
      if (connection.requests === 0 && !wasJustUsed(connection)) socket.destroy();
    }
    if (connections.size > 0 && lingerMs > 0) await clock.sleep(lingerMs);
    for (const [socket, { requests }] of connections) if (requests === 0) socket.destroy();
  }

  return async () => {
    readiness.drain();
    leaving = true;
    if (shutdown.delayMs > 0) await clock.sleep(shutdown.delayMs);
    const closed = once(server, 'close');
    // The close of an HTTP server would cut idle connections at once.
    TcpServer.prototype.close.call(server);
    const timeOut = clock.timer(shutdown.timeoutMs, () => {
      server.closeAllConnections();
    });
    void endIdle();
    await closed;
    timeOut.cancel();
  };
}
