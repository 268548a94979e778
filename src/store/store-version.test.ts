import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { systemClock } from '../runtime/clock.ts';
import { systemRandom } from '../runtime/random.ts';
import { createVault } from '../vault/create-vault.ts';
import { generateKeyringEntry, parseKeyring } from '../vault/keyring.ts';
import { openStore } from './open-store.ts';

const vault = createVault(parseKeyring(generateKeyringEntry(systemRandom)), systemRandom);

it('a SQLite store names its state anew after every write, of this process or of another', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'keyshift-version-'));
  const path = join(folder, 'k.db');
  const options = { vault, clock: systemClock, random: systemRandom };
  const store = await openStore({ ...options, databaseUrl: `sqlite:${path}` });
  const other = new DatabaseSync(path);
  try {
    const first = store.version();
    expect(first).toBeDefined();
    expect(store.version()).toBe(first);
    await store.switches.set('route', 'key', 1, 'test');
    const second = store.version();
    expect(second).not.toBe(first);
    other.exec("update switches set value = 'oauth'");
    const third = store.version();
    expect(third).not.toBe(second);
    // What was written and taken back must not be remembered as if it stood.
    const failed = store.transaction(async (tx) => {
      await tx.switches.set('route', 'key', 2, 'test');
      expect(store.version()).toBeUndefined();
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    expect(store.version()).not.toBe(third);
  } finally {
    other.close();
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
  expect(store.version()).toBeUndefined();
});
