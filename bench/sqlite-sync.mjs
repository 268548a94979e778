import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { median } from './support/rounds.mjs';
import { createScratchFolder } from './support/scratch-folder.mjs';

export const about = 'a commit on SQLite that a power cut may undo, and one that it may not';

/** Near the size of a sealed pair of tokens. */
const sealed = 'x'.repeat(1_600);
const count = 1_000;

/** How a commit is made: the mode before it, and where it is switched for it alone. */
const ways = {
  'synchronous normal': { mode: 'normal', around: [] },
  'synchronous full': { mode: 'full', around: [] },
  'full for this statement': { mode: 'normal', around: ['full', 'normal'] },
};

export async function measure({ quick, note }) {
  const [rounds, commits] = quick ? [3, 100] : [9, 500];
  const db = new DatabaseSync(join(createScratchFolder(), 'sync.db'));
  db.exec('pragma journal_mode = wal');
  db.exec('create table pairs (id integer primary key, sealed text, generation integer)');
  const insert = db.prepare('insert into pairs values (?, ?, 0)');
  for (let id = 0; id < count; id += 1) insert.run(id, sealed);
  const samples = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    note(`round ${round + 1} of ${rounds}`);
    for (const [name, { mode, around }] of Object.entries(ways)) {
      db.exec(`pragma synchronous = ${mode}`);
      samples[name].push(measureOne(db, commits, around));
    }
  }
  db.close();
  return Object.entries(samples).flatMap(([name, of]) => [
    { name: `${name}, p50`, value: median(of.map(({ p50 }) => p50)), unit: 'µs' },
    { name: `${name}, p99`, value: median(of.map(({ p99 }) => p99)), unit: 'µs' },
    { name, value: median(of.map(({ cpuUs }) => cpuUs)), unit: 'µs CPU' },
  ]);
}

/** Microseconds of wall time and of CPU for each of `commits` updates. */
function measureOne(db, commits, [before, after]) {
  const update = db.prepare(
    'update pairs set sealed = ?, generation = generation + 1 where id = ?',
  );
  const wallUs = [];
  const cpu = process.cpuUsage();
  for (let index = 0; index < commits; index += 1) {
    const startedMs = performance.now();
    if (before) db.exec(`pragma synchronous = ${before}`);
    update.run(sealed, index % count);
    if (after) db.exec(`pragma synchronous = ${after}`);
    wallUs.push((performance.now() - startedMs) * 1_000);
  }
  const { user, system } = process.cpuUsage(cpu);
  const sorted = wallUs.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.floor(commits * share)];
  return { p50: at(0.5), p99: at(0.99), cpuUs: (user + system) / commits };
}
