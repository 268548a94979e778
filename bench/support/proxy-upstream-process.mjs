/** Stands for Klaviyo: answers as fast as node:http can, 3.7 KB of JSON or 1 MB. */
import { createServer } from 'node:http';

const json = Buffer.from(JSON.stringify({ data: [], filler: 'x'.repeat(3_700 - 27) }));
const megabyte = Buffer.alloc(1024 * 1024, 'x');

const server = createServer((request, response) => {
  if (request.method === 'GET') {
    answer(response, request.url.includes('1mb') ? megabyte : json);
    return;
  }
  request.on('end', () => answer(response, json)).resume();
});
server.keepAliveTimeout = 60_000;

function answer(response, body) {
  response.writeHead(200, {
    'content-type': 'application/vnd.api+json',
    'content-length': body.length,
  });
  response.end(body);
}

server.listen(0, '127.0.0.1', () => {
  process.send({ url: `http://127.0.0.1:${server.address().port}` });
});
process.on('disconnect', () => process.exit(0));
