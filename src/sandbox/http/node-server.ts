import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import { toOriginForm } from '../../klaviyo/api-path.ts';
import type { Connection } from './sandbox-env.ts';

/** A server that listens. */
export interface ListeningServer {
  /** Without a trailing slash. */
  readonly origin: string;
  /** Stops and drops the connections that are open. */
  stop(): Promise<void>;
}

/**
 * Listens for an app that answers requests.
 *
 * @throws {@link KeyshiftError} `port_in_use`
 */
export async function listen(
  answer: (request: Request, connection: Connection) => Response | Promise<Response>,
  { port, host }: { readonly port: number; readonly host: string },
): Promise<ListeningServer> {
  const listener = getRequestListener(
    async (request, bindings) => {
      const exchange = bindings as NodeExchange;
      await send(await answer(request, new NodeConnection(exchange)), exchange.outgoing);
      return RESPONSE_ALREADY_SENT;
    },
    // A test that starts a sandbox keeps the globals of its own process.
    { hostname: host, overrideGlobalObjects: false },
  );
  const server = createServer((incoming, outgoing) => {
    incoming.url = toOriginForm(incoming.url ?? '');
    // What is not a path names nothing here, such as `*`.
    if (!incoming.url.startsWith('/')) incoming.url = `/${encodeURIComponent(incoming.url)}`;
    void listener(incoming, outgoing);
  });
  server.on('connect', (_request, socket) => {
    socket.end('HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  });
  await bind(server, port, host);
  const { port: bound } = server.address() as AddressInfo;
  return {
    origin: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

/**
 * Sends an answer in one write. Left to itself, the adapter writes head and body apart, and gives a
 * body that says no content type one of its own.
 */
async function send(answer: Response, outgoing: ServerResponse): Promise<void> {
  if (answer === RESPONSE_ALREADY_SENT || outgoing.destroyed) return;
  const headers: string[] = [];
  answer.headers.forEach((value, name) => headers.push(name, value));
  if (!answer.body) {
    outgoing.writeHead(answer.status, headers).end();
    return;
  }
  const body = Buffer.from(await answer.arrayBuffer());
  if (!answer.headers.has('content-length')) headers.push('content-length', String(body.length));
  outgoing.writeHead(answer.status, headers).end(body);
}

async function bind(server: Server, port: number, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  }).catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
    throw new KeyshiftError(
      'port_in_use',
      `The sandbox cannot listen on port ${port}: it is taken.`,
      {
        cause,
        fix: 'Stop the other program, or start the sandbox on another port (0 finds a free one).',
      },
    );
  });
}

interface NodeExchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

class NodeConnection implements Connection {
  readonly #exchange: NodeExchange;

  constructor(exchange: NodeExchange) {
    this.#exchange = exchange;
  }

  get remoteAddress(): string {
    return this.#exchange.incoming.socket.remoteAddress ?? '';
  }

  reset(): void {
    this.#exchange.outgoing.destroy();
  }

  async sendHalf(answer: Response): Promise<void> {
    const { outgoing } = this.#exchange;
    const body = Buffer.from(await answer.arrayBuffer());
    const headers = Object.fromEntries(answer.headers);
    outgoing.writeHead(answer.status, { ...headers, 'content-length': body.length + 1 });
    outgoing.flushHeaders();
    outgoing.write(body.subarray(0, body.length >>> 1), () => outgoing.destroy());
  }
}
