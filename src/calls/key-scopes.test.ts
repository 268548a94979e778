import { createServer } from 'node:http';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { startSandbox } from '../sandbox.ts';
import { testSeed } from '../../test/support/keyshift-fixture.ts';
import { systemClock } from '../runtime/clock.ts';
import { systemRandom } from '../runtime/random.ts';
import { createHttpClient } from '../runtime/http-client.ts';
import { Secret } from '../runtime/secret.ts';
import { createReadKeyScopes } from './key-scopes.ts';

const needed = ['accounts:read', 'profiles:read', 'metrics:read', 'events:write'];
const key = (text: string) => new Secret('private_key', text);

async function read(apiUrl: string, text: string) {
  const http = createHttpClient();
  try {
    const readScopes = createReadKeyScopes({
      ...{ http, apiUrl, clock: systemClock, random: systemRandom, revision: '2026-07-15' },
    });
    return await readScopes(key(text), needed);
  } finally {
    await http.close();
  }
}

describe('the scopes of a key', () => {
  it('are tried one by one where the key may not list them; writing is never tried', async () => {
    const sandbox = await startSandbox({
      seed: testSeed,
      limits: false,
      settings: { consistency: 'immediate' },
    });
    try {
      expect(await read(sandbox.apiUrl, 'pk_alphametrics0123456789')).toEqual({
        source: 'probed',
        granted: ['metrics:read'],
        missing: ['accounts:read', 'profiles:read'],
        unknown: ['events:write'],
      });
      expect(sandbox.requests().map(({ method }) => method)).not.toContain('POST');
    } finally {
      await sandbox.close();
    }
  });

  it('are taken from the list of keys where it can be read, by the end of the key', async () => {
    const attributes = (redacted: string, scopes: string[]) => ({
      attributes: { redacted_key: `pk_****${redacted}`, scopes },
    });
    const server = createServer((request, response) => {
      const data = [
        attributes('abcd', ['accounts:read', 'events:write']),
        attributes('zzzz', needed),
      ];
      response.writeHead(request.headers['revision'] === '2026-07-15.pre' ? 200 : 500);
      response.end(JSON.stringify({ data }));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    try {
      expect(await read(`http://127.0.0.1:${port}`, 'pk_0123abcd')).toEqual({
        source: 'listed',
        granted: ['accounts:read', 'events:write'],
        missing: ['profiles:read', 'metrics:read'],
        unknown: [],
      });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('are not told where nobody answers', async () => {
    expect(await read('http://127.0.0.1:1', 'pk_0123abcd')).toEqual({
      ...{ source: 'probed', granted: [], missing: [], unknown: needed },
    });
  });
});
