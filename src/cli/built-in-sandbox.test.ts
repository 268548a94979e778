import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KeyshiftConfig } from '../core/config.ts';
import { startBuiltInSandbox } from './built-in-sandbox.ts';

const before = process.cwd();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyshift-built-in-sandbox-'));
  process.chdir(folder);
});
afterEach(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true, force: true });
});

/** A port whose successor is free: the sandbox listens there. */
async function portBelowFreeOne(): Promise<number> {
  const server = createServer().listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port - 1;
}

describe('startBuiltInSandbox', () => {
  it('sends whoever installs from the marketplace to /auth/install, where no state is known yet', async () => {
    const redirectUri = 'http://localhost:5000/auth/callback';
    const config = { port: await portBelowFreeOne(), redirectUri } as KeyshiftConfig;
    const sandbox = await startBuiltInSandbox(config);
    try {
      const answer = await fetch(
        `${sandbox.url}/marketplace/install?client_id=keyshift-sandbox-app`,
        { redirect: 'manual' },
      );
      expect(answer.status).toBe(302);
      expect(answer.headers.get('location')).toBe('http://localhost:5000/auth/install');
    } finally {
      await sandbox.close();
    }
  });
});
