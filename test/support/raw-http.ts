import { connect } from 'node:net';

/** An answer as it came over the socket; everything is read as latin1, byte for byte. */
export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
  readonly tookMs: number;
}

/**
 * Writes bytes to a local port and reads until the server closes: for requests that no HTTP
 * client would send. The request should say `Connection: close`.
 *
 * @throws Error when nothing that is HTTP came within `withinMs`
 */
export function sendRaw(port: number, request: Buffer, withinMs: number): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const startedMs = performance.now();
    const chunks: Buffer[] = [];
    const socket = connect(port, 'localhost');
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no complete answer within ${withinMs} ms`));
    }, withinMs);
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    // The server may close while the request is still being written; what it said counts.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      const text = Buffer.concat(chunks).toString('latin1');
      const [head = '', ...body] = text.split('\r\n\r\n');
      const status = /^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1];
      if (status === undefined) reject(new Error('the connection ended without an HTTP answer'));
      else {
        const tookMs = performance.now() - startedMs;
        resolve({ status: Number(status), head, body: body.join('\r\n\r\n'), tookMs });
      }
    });
    socket.write(request);
  });
}
