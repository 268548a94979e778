import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readRequest } from './sandbox-request.ts';

/** A request as Node's server gives it, in parts. */
function arriving(url: string, parts: readonly string[]): IncomingMessage {
  const headers = { host: 'localhost', 'transfer-encoding': 'chunked' };
  const rest = { url, method: 'POST', headers, socket: { remoteAddress: '192.0.2.7' } };
  return Object.assign(Readable.from(parts.map(Buffer.from)), rest) as unknown as IncomingMessage;
}

describe('readRequest', () => {
  it('keeps nothing of the body of whoever will be refused, and knows so before it reads', async () => {
    const incoming = arriving('/_sandbox/restore?x=1', ['{"much', '":1}']);
    let readBefore: boolean | undefined;
    const request = await readRequest(incoming, (head) => {
      readBefore = incoming.readableDidRead;
      expect(head).toMatchObject({ method: 'POST', path: '/_sandbox/restore', search: 'x=1' });
      expect(head.remoteAddress).toBe('192.0.2.7');
      return true;
    });
    expect(readBefore).toBe(false);
    expect(request.body).toBeUndefined();
    // To the end all the same: a client that still sends would miss the answer.
    expect(incoming.readableEnded).toBe(true);
  });

  it('keeps the body of whoever is let in', async () => {
    const request = await readRequest(arriving('/_sandbox/seed', ['{"a":', '1}']), () => false);
    expect(request.body?.toString()).toBe('{"a":1}');
  });
});
