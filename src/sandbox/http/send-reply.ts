import type { ServerResponse } from 'node:http';
import type { Reply } from './reply.ts';

/** Sends a whole answer. */
export function sendReply(response: ServerResponse, reply: Reply): void {
  response.writeHead(reply.status, headersOf(reply));
  response.end(reply.body);
}

/** Promises the whole answer, sends half of it and breaks the connection. */
export function sendHalf(response: ServerResponse, reply: Reply): void {
  const body = Buffer.from(reply.body);
  response.writeHead(reply.status, { ...headersOf(reply), 'content-length': body.length + 1 });
  response.flushHeaders();
  response.write(body.subarray(0, body.length >>> 1), () => response.destroy());
}

function headersOf(reply: Reply): Record<string, string | number> {
  const mayHaveBody = reply.status !== 204 && reply.status !== 304;
  return mayHaveBody
    ? { ...reply.headers, 'content-length': Buffer.byteLength(reply.body) }
    : { ...reply.headers };
}
