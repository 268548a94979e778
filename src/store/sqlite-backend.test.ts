import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { executeRaw } from '../../test/support/raw-database.ts';
import { systemClock } from '../runtime/clock.ts';
import { systemRandom } from '../runtime/random.ts';
import { Secret } from '../runtime/secret.ts';
import { createVault } from '../vault/create-vault.ts';
import { generateKeyringEntry, parseKeyring } from '../vault/keyring.ts';
import { sampleConnection, t0 } from '../../test/store/contract/contract-test.ts';
import { openStore } from './open-store.ts';
import type { Store } from './store.ts';

const vault = createVault(parseKeyring(generateKeyringEntry(systemRandom)), systemRandom);
let directory: string;

const open = (path: string): Promise<Store> =>
  openStore({ databaseUrl: `sqlite:${path}`, vault, clock: systemClock, random: systemRandom });

async function outage(path: string): Promise<string> {
  try {
    await (await open(path)).close();
  } catch (error) {
    expect(error).toMatchObject({ code: 'database_unavailable' });
    const { message } = error as Error;
    expect(message).not.toContain('\n');
    return message;
  }
  throw new Error('the database was opened');
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'keyshift-sqlite-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

describe('a SQLite file that cannot be used', () => {
  it('is named when it is not a database', async () => {
    const path = join(directory, 'notes.txt');
    writeFileSync(path, 'these are my notes\n'.repeat(500));
    expect(await outage(path)).toBe(
      `SQLite at ${path} cannot be used: the file is not a SQLite database.`,
    );
  });

  it('is named when it is a directory', async () => {
    expect(await outage(directory)).toMatch(/it is a directory\.$/);
  });

  it('is named when its directory is a file', async () => {
    const path = join(directory, 'file');
    writeFileSync(path, '');
    expect(await outage(join(path, 'keyshift.db'))).toMatch(/not a directory\.$/);
  });

  it('is named when it is damaged', async () => {
    const path = join(directory, 'keyshift.db');
    const store = await open(path);
    await store.connections.insert(sampleConnection('acme'));
    await store.close();
    const bytes = readFileSync(path);
    bytes.fill(0x5a, 100);
    writeFileSync(path, bytes);
    expect(await outage(path)).toMatch(/the file is damaged\.$/);
  });

  it('is named when another program holds it, after a wait', async () => {
    const path = join(directory, 'keyshift.db');
    const holder = new DatabaseSync(path);
    holder.exec('pragma locking_mode = exclusive; create table t (x); begin exclusive');
    expect(await outage(path)).toMatch(/it is locked by another process\.$/);
    holder.close();
    await (await open(path)).close();
  });
});

describe('a SQLite file', () => {
  it('is made for its owner alone, with its directory and side files', async () => {
    const path = join(directory, 'a', 'b', 'keyshift.db');
    const store = await open(path);
    await store.connections.insert(sampleConnection('acme'));
    const mode = (file: string) => (statSync(file).mode & 0o777).toString(8);
    expect(mode(join(directory, 'a'))).toBe('700');
    expect(mode(join(directory, 'a', 'b'))).toBe('700');
    expect(['', '-wal', '-shm'].map((suffix) => mode(path + suffix))).toEqual([
      '600',
      '600',
      '600',
    ]);
    await store.close();
  });

  it('keeps everything over a restart', async () => {
    const path = join(directory, 'keyshift.db');
    const store = await open(path);
    const connection = await store.connections.insert(sampleConnection('acme'));
    await store.close();
    const again = await open(path);
    expect(await again.connections.findByCustomer('acme')).toEqual(connection);
    await again.close();
  });

  it('opens although another process is writing to the new file, which SQLite refuses at once', async () => {
    const path = join(directory, 'keyshift.db');
    const writer = new DatabaseSync(path);
    writer.exec('create table t (x); begin immediate; insert into t values (1)');
    const opening = open(path);
    await systemClock.sleep(100);
    writer.exec('commit');
    writer.close();
    await (await opening).close();
  });

  it('keeps no bytes of a destroyed key, not even sealed ones', async () => {
    const path = join(directory, 'keyshift.db');
    const store = await open(path);
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      const { id } = await store.connections.insert(sampleConnection(name));
      await store.privateKeys.put(id, new Secret('private_key', `pk_${name}`), t0);
    }
    const [row] = await executeRaw(
      `sqlite:${path}`,
      "select sealed_key from private_keys where connection_id = 'connection-c'",
    );
    const sealed = String(row?.['sealed_key']);
    await store.close();
    expect(readFileSync(path, 'latin1')).toContain(sealed);

    const again = await open(path);
    await again.privateKeys.destroy('connection-c', t0);
    await again.close();
    const remains = readFileSync(path, 'latin1');
    for (const part of sealed.split('.').slice(2)) expect(remains).not.toContain(part);
  });

  it('does not hold up the process while another connection writes', async () => {
    const path = join(directory, 'keyshift.db');
    const store = await open(path);
    const writer = new DatabaseSync(path);
    writer.exec('begin immediate');
    let ticks = 0;
    const ticking = setInterval(() => (ticks += 1), 5);
    const inserted = store.connections.insert(sampleConnection('acme'));
    await systemClock.sleep(400);
    clearInterval(ticking);
    writer.exec('commit');
    writer.close();
    expect((await inserted).version).toBe(1);
    expect(ticks).toBeGreaterThan(5);
    await store.close();
  });

  it('says so when it stays locked, and works again afterwards', async () => {
    const path = join(directory, 'keyshift.db');
    const store = await open(path);
    const writer = new DatabaseSync(path);
    writer.exec('begin immediate');
    const insert = () => store.connections.insert(sampleConnection('acme'));
    await expect(insert()).rejects.toMatchObject({
      code: 'database_unavailable',
      message: expect.stringContaining('locked by another process') as string,
    });
    writer.exec('rollback');
    writer.close();
    expect((await insert()).updatedAtMs).toBe(t0);
    await store.close();
  });

  it('can live in memory, for as long as its store', async () => {
    const memory = () =>
      openStore({
        databaseUrl: 'sqlite::memory:',
        vault,
        clock: systemClock,
        random: systemRandom,
      });
    const [one, two] = [await memory(), await memory()];
    await one.connections.insert(sampleConnection('acme'));
    expect(await two.connections.findByCustomer('acme')).toBeUndefined();
    expect(await one.connections.findByCustomer('acme')).toBeDefined();
    expect(inspect(one, { depth: 9 })).not.toContain('acme');
    await one.close();
    await two.close();
  });
});
