import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestSandbox, type TestSandbox } from '../../../test/support/sandbox-client.ts';

let test: TestSandbox;
beforeEach(async () => {
  test = await startTestSandbox();
});
afterEach(() => test.sandbox.close());

/** Sends a request in parts, each when `next` is called; resolves with what came back. */
function inParts(head: string) {
  const { port, hostname } = new URL(test.sandbox.url);
  const socket = connect(Number(port), hostname);
  let received = '';
  socket.on('data', (chunk) => (received += chunk.toString()));
  socket.on('error', () => undefined);
  socket.write(`${head}\r\nHost: localhost:${port}\r\nTransfer-Encoding: chunked\r\n\r\n`);
  return {
    send: (text: string) => socket.write(`${text.length.toString(16)}\r\n${text}\r\n`),
    end: () => socket.write('0\r\n\r\n'),
    received: () => received,
    close: () => socket.destroy(),
  };
}

describe('the body of a request', () => {
  it('is not waited for where the request is refused, and the answer arrives all the same', async () => {
    const client = inParts('POST /_sandbox/restore HTTP/1.1\r\nOrigin: https://evil.example');
    client.send('{"much');
    await expect.poll(client.received, { timeout: 20_000 }).toContain('403 Forbidden');
    expect(client.received()).toContain('A page of another origin may not control the sandbox.');
    client.send('":1}');
    client.end();
    client.close();
  });

  it('is put together from its parts for whoever is let in', async () => {
    const client = inParts('POST /_sandbox/clock/advance HTTP/1.1');
    client.send('{"ms":');
    client.send('1000}');
    client.end();
    await expect.poll(client.received, { timeout: 20_000 }).toContain('"aheadMs":1000');
    client.close();
  });

  it('is refused past the limit, without a length announced too', async () => {
    const client = inParts('POST /api/events HTTP/1.1');
    for (let part = 0; part < 6; part++) client.send(' '.repeat(1024 * 1024));
    client.end();
    await expect.poll(client.received, { timeout: 20_000 }).toContain('413 Payload Too Large');
    client.close();
  });
});
