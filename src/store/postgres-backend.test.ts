import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { inspect } from 'node:util';
import { describe, expect, inject, it } from 'vitest';
import { createPostgresDatabase } from '../../test/support/databases.ts';
import { executeRaw } from '../../test/support/raw-database.ts';
import { isKeyshiftError } from '../errors/keyshift-error.ts';
import { systemClock } from '../runtime/clock.ts';
import { systemRandom } from '../runtime/random.ts';
import { Secret } from '../runtime/secret.ts';
import { createVault } from '../vault/create-vault.ts';
import { generateKeyringEntry, parseKeyring } from '../vault/keyring.ts';
import { sampleConnection, t0 } from '../../test/store/contract/contract-test.ts';
import { openStore } from './open-store.ts';
import type { Store } from './store.ts';

const vault = createVault(parseKeyring(generateKeyringEntry(systemRandom)), systemRandom);
const open = (databaseUrl: string): Promise<Store> =>
  openStore({ databaseUrl, vault, clock: systemClock, random: systemRandom });

/** Resolves for everyone once `count` have arrived; later ones pass at once. */
function createBarrier(count: number): () => Promise<void> {
  let arrived = 0;
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return () => {
    arrived += 1;
    if (arrived >= count) open();
    return opened;
  };
}

async function outage(change: (url: URL) => void): Promise<string> {
  const url = new URL(inject('postgresUrl'));
  change(url);
  try {
    await (await open(url.href)).close();
  } catch (error) {
    if (!isKeyshiftError(error, 'database_unavailable')) throw error;
    expect(error.message).not.toContain('\n');
    const shown = inspect(error, { depth: 9, showHidden: true });
    if (url.password !== '') expect(shown).not.toContain(url.password);
    return error.message;
  }
  throw new Error('the database was opened');
}

describe('a PostgreSQL database that cannot be used', () => {
  it('is named when nothing listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const message = await outage((url) => (url.host = `127.0.0.1:${port}`));
    expect(message).toBe(
      `PostgreSQL at 127.0.0.1:${port}/postgres cannot be used: nothing listens there.`,
    );
  });

  it('is named when it takes the connection and never answers', async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    expect(await outage((url) => (url.host = `127.0.0.1:${port}`))).toMatch(/does not answer\.$/);
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  it('is named when the password is wrong, and the password is not shown', async () => {
    expect(await outage((url) => (url.password = 'wrong-password'))).toMatch(
      /password authentication failed for user/,
    );
  });

  it('is named when it does not exist', async () => {
    expect(await outage((url) => (url.pathname = '/no_such_database'))).toMatch(
      /database "no_such_database" does not exist/,
    );
  });

  it('is named when it offers no TLS but the URL asks for it', async () => {
    expect(await outage((url) => url.searchParams.set('sslmode', 'verify-full'))).toMatch(
      /does not offer TLS/,
    );
  });
});

describe('a store on PostgreSQL', () => {
  it('orders customer ids by bytes, whatever the language of the database', async () => {
    await using database = await createPostgresDatabase();
    await (await open(database.url)).close();
    const columns = await executeRaw(
      database.url,
      "select collation_name from information_schema.columns where table_name = 'connections' and column_name = 'customer_id'",
    );
    expect(columns).toEqual([{ collation_name: 'C' }]);
  });

  it('runs a transaction again when the database ended it to resolve a deadlock', async () => {
    await using database = await createPostgresDatabase();
    const [one, two] = [await open(database.url), await open(database.url)];
    for (const name of ['a', 'b']) {
      const { id } = await one.connections.insert(sampleConnection(name));
      await one.privateKeys.put(id, new Secret('private_key', `pk_${name}`), t0);
    }
    let runs = 0;
    const everyoneHoldsARow = createBarrier(2);
    const touch = (store: Store, ids: readonly string[], atMs: number) =>
      store.transaction(async (tx) => {
        runs += 1;
        for (const id of ids) {
          await tx.privateKeys.markUsed(id, atMs);
          await everyoneHoldsARow();
        }
      });
    await Promise.all([
      touch(one, ['connection-a', 'connection-b'], t0 + 1),
      touch(two, ['connection-b', 'connection-a'], t0 + 1),
    ]);
    expect(runs).toBe(3);
    for (const id of ['connection-a', 'connection-b']) {
      expect((await one.privateKeys.info(id))?.lastUsedAtMs).toBe(t0 + 1);
    }
    await Promise.all([one.close(), two.close()]);
  });
});
