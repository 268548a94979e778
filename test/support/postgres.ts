import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of a PostgreSQL server on which tests may create databases. */
    postgresUrl: string;
  }
}

/**
 * Vitest's global set-up: a PostgreSQL server for the run, at `inject('postgresUrl')`: the one of
 * TEST_DATABASE_URL, else a fresh one on a free port that is gone when the run ends.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['TEST_DATABASE_URL'];
  if (given) {
    project.provide('postgresUrl', given);
    return () => Promise.resolve();
  }
  const program = fileURLToPath(new URL('./postgres-server.ts', import.meta.url));
  // Apart from the terminal, so that Ctrl-C does not end it before the tests that use it.
  const server = spawn(process.execPath, [program], {
    detached: process.platform !== 'win32',
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let complaints = '';
  server.stderr.setEncoding('utf8').on('data', (chunk: string) => (complaints += chunk));

  const line = once(createInterface(server.stdout), 'line') as Promise<[string]>;
  const failed = once(server, 'close').then(() => {
    throw new Error(`The PostgreSQL of the tests did not start. ${complaints}`);
  });
  const [url] = await Promise.race([line, failed]);
  failed.catch(() => undefined);
  project.provide('postgresUrl', url);

  return async () => {
    const ended = once(server, 'exit');
    server.stdin.end();
    await ended;
  };
}
