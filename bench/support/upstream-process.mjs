/**
 * Klaviyo's API as cheap as can be, in a process of its own: the same small answer to every request
 * without a body, straight from a socket, so that the client under test is what limits the rate.
 */
import { createServer } from 'node:net';

const body = JSON.stringify({
  data: [{ type: 'event', id: '4vRpBT', attributes: { timestamp: 1_800_000_000, uuid: 'b' } }],
  links: { self: 'https://a.klaviyo.com/api/events', next: null, prev: null },
});
const answer = Buffer.from(
  [
    'HTTP/1.1 200 OK',
    'Content-Type: application/vnd.api+json',
    'RateLimit-Limit: 350, 350;w=1, 3500;w=60',
    'RateLimit-Remaining: 3400',
    'RateLimit-Reset: 60',
    'Connection: keep-alive',
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n'),
);
const end = Buffer.from('\r\n\r\n');

const server = createServer((socket) => {
  let rest = Buffer.alloc(0);
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    let pending = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let at = pending.indexOf(end); at >= 0; at = pending.indexOf(end)) {
      socket.write(answer);
      pending = pending.subarray(at + end.length);
    }
    rest = pending;
  });
});
server.listen(0, '127.0.0.1', () => {
  process.send({ url: `http://127.0.0.1:${server.address().port}` });
});
process.on('disconnect', () => process.exit(0));
