import { createTokenEngine } from '../dist/tokens/token-engine.js';
import { seedGrants } from './support/bench-keyshift.mjs';
import { openDatabases } from './support/databases.mjs';
import { openBenchStore } from './support/open-bench-store.mjs';
import { measureInTurns, medianOf } from './support/rounds.mjs';
import { createScratchFolder } from './support/scratch-folder.mjs';

export const about = 'a token from the store, opened, and from memory; what cached grants weigh';

const clientId = 'bench-app';
const count = 10_000;

export async function measure({ quick, note }) {
  const size = { rounds: quick ? 3 : 9, operations: quick ? 2_000 : 10_000, atOnce: 8 };
  const rows = [];
  for (const { name, create } of await openDatabases(createScratchFolder())) {
    const say = (text) => note(`${name}: ${text}`);
    rows.push(...(await measureOn(name, await create('cache'), size, say)));
  }
  return rows;
}

async function measureOn(name, databaseUrl, size, note) {
  const { store, ...shared } = await openBenchStore(databaseUrl);
  const { random } = shared;
  const obtainedAtMs = shared.clock.now();
  const accountIds = await seedGrants(store, clientId, { count, obtainedAtMs, random, note });
  // The engine's clock stands still, so that nothing leaves the cache by its age.
  const clock = { ...shared.clock, now: () => obtainedAtMs };
  const tokens = createTokenEngine({ ...shared, clock, store, oauth: { clientId } });
  const live = (accountId) => tokens.liveGrant({ clientId, accountId });
  const bytes = await heapGrowth(async () => {
    for (const accountId of accountIds) await live(accountId);
  });
  let next = 0;
  const nextId = () => accountIds[next++ % count];
  const samples = await measureInTurns(
    {
      store: async () => {
        const grant = await store.grants.find({ clientId, accountId: nextId() });
        grant.accessToken.reveal();
      },
      memory: async () => (await live(nextId())).accessToken.reveal(),
    },
    size,
  );
  await store.close();
  const { store: read, memory } = samples;
  return [
    { name: `${name}, read and opened`, value: medianOf(read, 'cpuUs'), unit: 'µs CPU' },
    { name: `${name}, from memory`, value: medianOf(memory, 'cpuUs'), unit: 'µs CPU' },
    { name: `${name}, ${count} cached grants`, value: bytes / 2 ** 20, unit: 'MiB of heap' },
  ];
}

/** Bytes that stay on the heap after `fill`. */
async function heapGrowth(fill) {
  const used = async () => {
    // Twice, with a turn in between: what is freed by finalizers counts too.
    globalThis.gc();
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const before = await used();
  await fill();
  return (await used()) - before;
}
