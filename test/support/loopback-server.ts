import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';

/** A request as a test's server got it. */
export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Answers a request, or leaves it without an answer. */
export type Answer = (response: ServerResponse, request: ReceivedRequest) => void;

/** A server of a test's own on 127.0.0.1. */
export interface LoopbackServer extends AsyncDisposable {
  readonly url: string;
  /** What arrived, oldest first. */
  readonly received: readonly ReceivedRequest[];
  /** Answers all that follows. */
  answerWith(answer: Answer): void;
}

/**
 * Starts a server that answers as the test says, and remembers what it was asked.
 *
 * @example
 * ```ts
 * await using server = await startLoopbackServer((response) => response.end('{}'));
 * ```
 */
export async function startLoopbackServer(first: Answer): Promise<LoopbackServer> {
  let answer = first;
  const received: ReceivedRequest[] = [];
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const request = {
        method: incoming.method ?? '',
        path: incoming.url ?? '',
        headers: incoming.headers,
        body: Buffer.concat(chunks).toString(),
      };
      received.push(request);
      answer(response, request);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    answerWith(next) {
      answer = next;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** An answer with a JSON body. */
export function jsonAnswer(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
}

/** A page as the network's edge answers it. */
export function htmlAnswer(status: number, headers: Readonly<Record<string, string>> = {}): Answer {
  return (response) => {
    response.writeHead(status, { 'content-type': 'text/html; charset=UTF-8', ...headers });
    response.end('<!DOCTYPE html><title>Just a moment...</title>');
  };
}
