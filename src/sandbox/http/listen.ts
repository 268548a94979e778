import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { KeyshiftError } from '../../errors/keyshift-error.ts';

/**
 * Starts a server and answers its origin.
 *
 * @throws {@link KeyshiftError} `port_in_use`
 */
export async function listen(server: Server, port: number, host: string): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  }).catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
    throw new KeyshiftError(
      'port_in_use',
      `The sandbox cannot listen on port ${port}: it is taken.`,
      {
        cause,
        fix: 'Stop the other program, or start the sandbox on another port (0 finds a free one).',
      },
    );
  });
  const { port: bound } = server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${bound}`;
}

/** Stops a server and drops the connections that are open. */
export async function stopListening(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}
