/**
 * A process that is nothing but the proxy over a database: `startServer` without pages, which a
 * program that is not built cannot load. Takes its environment as JSON, sends its port.
 */
import { createServer } from 'node:http';
import { openKeyshift } from '../../src/core/create-keyshift.ts';
import { readConfig } from '../../src/core/read-config.ts';
import { createKeyshiftProxy } from '../../src/http/keyshift-proxy.ts';
import { createLogger } from '../../src/runtime/logger.ts';

const environment = JSON.parse(process.argv[2] ?? '{}') as Record<string, string>;
const config = readConfig(environment, {
  generate: () => {
    throw new Error('every secret is given');
  },
});
const keyshift = await openKeyshift(config, { logger: createLogger({ level: 'silent' }) });
const proxy = createKeyshiftProxy(keyshift);
const server = createServer((request, response) => void proxy(request, response));
server.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as { port: number }).port });
});
process.once('disconnect', () => {
  server.closeAllConnections();
  server.close(() => void keyshift.close().finally(() => process.exit(0)));
});
