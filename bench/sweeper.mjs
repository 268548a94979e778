import { createSweeper } from '../dist/tokens/sweeper.js';
import { createTokenEngine } from '../dist/tokens/token-engine.js';
import { benchToken, seedGrants } from './support/bench-keyshift.mjs';
import { openDatabases } from './support/databases.mjs';
import { openBenchStore } from './support/open-bench-store.mjs';
import { measureInTurns, medianOf, medianRatio } from './support/rounds.mjs';
import { createScratchFolder } from './support/scratch-folder.mjs';

export const about =
  'the sweeper over many grants; the token endpoint is a stub, so that store and engine are measured';

const clientId = 'bench-app';

/** A small and a large database in turns, on SQLite and PostgreSQL. */
export async function measure({ quick, note }) {
  const [small, large] = quick ? [1_000, 10_000] : [10_000, 100_000];
  const size = { rounds: quick ? 3 : 7, operations: 1, atOnce: 1 };
  const sweepSize = quick ? 200 : 1_000;
  const rows = [];
  for (const { name, create } of await openDatabases(createScratchFolder())) {
    const lanes = {};
    for (const count of [small, large]) {
      const say = (text) => note(`${name}: ${text}`);
      lanes[count] = await openLane(await create(`grants_${count}`), count, say);
    }
    note(`${name}: sweeping`);
    const cases = Object.fromEntries(
      Object.entries(lanes).map(([count, lane]) => [count, () => lane.sweep(sweepSize)]),
    );
    const samples = await measureInTurns(cases, size);
    for (const count of [small, large]) {
      const label = `${name}, ${count} grants`;
      const perSecond = medianOf(samples[count], 'perSecond');
      rows.push({ name: label, value: perSecond, unit: 'refreshes/s' });
      const cpuUs = medianOf(samples[count], 'cpuUs');
      rows.push({ name: label, value: cpuUs, unit: 'µs CPU a refresh' });
    }
    // SQLite works in this process, and its CPU is the truth; PostgreSQL's share shows in time only.
    const inProcess = name === 'SQLite';
    rows.push({
      name: `${name}, ${inProcess ? 'CPU' : 'time'} a refresh at ${large} grants over ${small}`,
      value: inProcess
        ? medianRatio(samples[large], samples[small], 'cpuUs')
        : medianRatio(samples[small], samples[large], 'perSecond'),
      unit: '×',
      aim: { most: 1.2 },
    });
    for (const lane of Object.values(lanes)) await lane.close();
  }
  return rows;
}

async function openLane(databaseUrl, count, note) {
  const { store, ...shared } = await openBenchStore(databaseUrl);
  // An hour ago, so that every one of them is due.
  const obtainedAtMs = shared.clock.now() - 3_600_000;
  await seedGrants(store, clientId, { count, obtainedAtMs, random: shared.random, note });
  let refreshes = 0;
  const refresh = async () => {
    refreshes += 1;
    return {
      kind: 'granted',
      tokens: {
        accessToken: benchToken('access_token', `fresh-${refreshes}`),
        refreshToken: benchToken('refresh_token', `fresh-${refreshes}`),
        expiresInSec: 3_600,
        scope: 'accounts:read events:read',
      },
    };
  };
  const tokens = createTokenEngine({ ...shared, store, oauth: { clientId, refresh } });
  const sweeper = createSweeper({
    ...shared,
    store,
    tokens,
    clientId,
    ratePerSec: 1e6,
  });
  return {
    /** Refreshes at least `wanted` grants: those that are under way are finished. Answers how many. */
    async sweep(wanted) {
      const stop = new AbortController();
      const before = refreshes;
      await sweeper.sweep(stop.signal, (done) => {
        if (done >= wanted) stop.abort();
      });
      if (refreshes - before < wanted) throw new Error(`only ${refreshes - before} refreshes`);
      return refreshes - before;
    },
    close: () => store.close(),
  };
}
