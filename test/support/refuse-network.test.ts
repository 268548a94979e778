import { lookup } from 'node:dns/promises';
import { get } from 'node:http';
import { createServer, connect } from 'node:net';
import { once } from 'node:events';
import { request } from 'undici';
import { describe, expect, it } from 'vitest';
import { isLoopback } from './loopback.ts';
import { takeAttempts } from './refuse-network.ts';

const refusal = /Tests may not use the network/;

describe('the real network in tests', () => {
  it('refuses a socket to a public address and remembers the attempt', () => {
    expect(() => connect(443, '192.0.2.1')).toThrow(refusal);
    expect(() => connect({ port: 443, host: '2001:db8::1' })).toThrow(refusal);
    expect(takeAttempts()).toEqual(['192.0.2.1', '2001:db8::1']);
  });

  it('refuses names before they are looked up, whichever client asks', async () => {
    await expect(fetch('https://example.com/')).rejects.toHaveProperty(
      'cause.message',
      expect.stringMatching(refusal),
    );
    await expect(request('https://example.com/')).rejects.toThrow(refusal);
    expect(() => get('http://example.com/some/path')).toThrow(refusal);
    await expect(lookup('example.com')).rejects.toThrow(refusal);
    expect(takeAttempts()).toEqual(new Array(4).fill('example.com'));
  });

  it('lets a test talk to a server on this machine', async () => {
    const server = createServer((socket) => socket.end('hello')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    for (const host of ['127.0.0.1', 'localhost']) {
      const [chunk] = (await once(connect(port, host), 'data')) as [Buffer];
      expect(chunk.toString()).toBe('hello');
    }
    server.close();
    expect(takeAttempts()).toEqual([]);
  });

  it.each(['localhost', '127.0.0.1', '127.9.9.9', '::1', '[::1]', '::ffff:127.0.0.1'])(
    'takes %s for this machine',
    (host) => expect(isLoopback(host)).toBe(true),
  );

  it.each(['127.0.0.1.example.com', 'localhost.example.com', '10.0.0.1', '0.0.0.0', '127.evil'])(
    'takes %s for another machine',
    (host) => expect(isLoopback(host)).toBe(false),
  );
});
