import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { HonoRequest, MiddlewareHandler } from 'hono';
import type { SandboxEnv } from './sandbox-env.ts';

const nothing = Buffer.alloc(0);

/**
 * Reads the body before anything is decided, so that handlers need not wait. A client that goes
 * away in the middle of it is left unanswered.
 *
 * @param limit bytes that are kept at most
 */
export function readBody(limit: number): MiddlewareHandler<SandboxEnv> {
  return async (c, next) => {
    try {
      c.set('body', await bodyOf(c.req, limit));
    } catch {
      c.env.reset();
      return RESPONSE_ALREADY_SENT;
    }
    return next();
  };
}

/** Reads to the end even past the limit: a client that still sends would miss the answer. */
async function bodyOf(request: HonoRequest, limit: number): Promise<Buffer | undefined> {
  if (request.method === 'GET' || request.method === 'HEAD') return nothing;
  const isChunked = request.header('transfer-encoding') !== undefined;
  const announced = isChunked ? Infinity : Number(request.header('content-length') ?? 0);
  if (announced <= limit) return Buffer.from(await request.arrayBuffer());
  const chunks: Uint8Array[] = [];
  let size = 0;
  const body: AsyncIterable<Uint8Array> | null = request.raw.body;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size <= limit) chunks.push(chunk);
  }
  return size > limit ? undefined : Buffer.concat(chunks, size);
}
