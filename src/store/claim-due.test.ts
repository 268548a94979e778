import { describe, expect, it } from 'vitest';
import { eachDatabase } from '../../test/support/each-database.ts';
import { executeRaw } from '../../test/support/raw-database.ts';
import { systemClock } from '../runtime/clock.ts';
import { systemRandom } from '../runtime/random.ts';
import { createVault } from '../vault/create-vault.ts';
import { generateKeyringEntry, parseKeyring } from '../vault/keyring.ts';
import { samplePair, t0 } from '../../test/store/contract/contract-test.ts';
import { openStore } from './open-store.ts';

const hourMs = 3_600_000;
const nowMs = t0 + 100 * 24 * hourMs;
const request = { clientId: 'client', owner: 'sweeper', nowMs, leaseExpiresAtMs: nowMs + 40_000 };

describe.each(eachDatabase)('claiming what is due, on $database', ({ create }) => {
  it('leaves out rows that do not open: the others are leased, and those are not', async () => {
    await using database = await create();
    const vault = createVault(parseKeyring(generateKeyringEntry(systemRandom)), systemRandom);
    const options = { vault, clock: systemClock, random: systemRandom };
    const store = await openStore({ ...options, databaseUrl: database.url });
    try {
      for (const id of ['g1', 'g2', 'g3', 'g4']) {
        const key = { clientId: 'client', accountId: id.toUpperCase(), id };
        await store.grants.saveConsent(key, samplePair(id));
      }
      await executeRaw(
        database.url,
        "update grants set access_token = 'v1.k.AAAA.BBBB', due_at = 1 where id in ('g1', 'g2')",
      );
      const told: string[] = [];
      const claim = (atMs: number, owner: string, limit = 2) =>
        store.grants.claimDue({
          ...{ ...request, owner, nowMs: atMs, leaseExpiresAtMs: atMs + 40_000, limit },
          onUnreadable: (account, { code }) => told.push(`${account} ${code}`),
        });
      // What a batch loses by such rows is made up for by others.
      expect((await claim(nowMs, 'one')).map(({ id }) => id).sort()).toEqual(['g3', 'g4']);
      expect(told.sort()).toEqual(['G1 seal_invalid', 'G2 seal_invalid']);
      expect(await store.grants.readLease('g1')).toMatchObject({ owner: undefined });
      expect(await claim(nowMs + 30_000, 'two')).toEqual([]);
      expect(told).toHaveLength(2);
      expect(await claim(nowMs + hourMs, 'three', 4)).toHaveLength(2);
      expect(told).toHaveLength(4);
    } finally {
      await store.close();
    }
  });
});
