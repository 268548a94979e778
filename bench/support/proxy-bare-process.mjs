/** The least a proxy can do: node:http in front, `undici.dispatch` behind, one header swapped. */
import { createServer } from 'node:http';
import { Pool } from 'undici';

const [, , upstream] = process.argv;
const pool = new Pool(upstream, { connections: 256 });

const server = createServer((request, response) => {
  const headers = { ...request.headers, authorization: 'Bearer swapped' };
  for (const name of ['host', 'connection', 'transfer-encoding']) delete headers[name];
  pool.dispatch(
    {
      path: request.url,
      method: request.method,
      headers,
      body: request.method === 'GET' ? null : request,
    },
    {
      onRequestStart() {},
      onResponseStart(_controller, status, replyHeaders) {
        delete replyHeaders.connection;
        delete replyHeaders['keep-alive'];
        response.writeHead(status, replyHeaders);
      },
      onResponseData(controller, chunk) {
        if (response.write(chunk)) return;
        controller.pause();
        response.once('drain', () => controller.resume());
      },
      onResponseEnd() {
        response.end();
      },
      onResponseError(_controller, error) {
        response.destroy(error);
      },
    },
  );
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  process.send({ url: `http://127.0.0.1:${server.address().port}`, pid: process.pid });
});
process.on('disconnect', () => process.exit(0));
