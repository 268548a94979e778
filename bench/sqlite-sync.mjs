/**
 * What a commit costs on SQLite under `synchronous` normal and full, in turns on one file system,
 * and what a switch of the mode costs. In WAL mode a commit under normal may be undone by a power
 * cut; under full it is on the disk when it returns.
 *
 *   node bench/sqlite-sync.mjs [folder] [commits a round]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const folder = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'keyshift-sync-'));
const commits = Number(process.argv[3] ?? 300);
const rounds = 5;
/** Near the size of a sealed pair of tokens. */
const sealed = 'x'.repeat(1_600);

/** Microseconds of wall time and of CPU for each of `commits` updates. */
function measure(db, modes) {
  const update = db.prepare(
    'update pairs set sealed = ?, generation = generation + 1 where id = ?',
  );
  const each = [];
  const cpu = process.cpuUsage();
  for (let index = 0; index < commits; index += 1) {
    const startedMs = performance.now();
    if (modes) db.exec(`pragma synchronous = ${modes[0]}`);
    update.run(sealed, index % 1_000);
    if (modes) db.exec(`pragma synchronous = ${modes[1]}`);
    each.push((performance.now() - startedMs) * 1_000);
  }
  const { user, system } = process.cpuUsage(cpu);
  each.sort((a, b) => a - b);
  return {
    p50: each[Math.floor(commits / 2)],
    p99: each[Math.floor(commits * 0.99)],
    cpu: (user + system) / commits,
  };
}

const variants = {
  normal: { mode: 'normal' },
  full: { mode: 'full' },
  'full, switched on for it': { mode: 'normal', modes: ['full', 'normal'] },
};
const results = Object.fromEntries(Object.keys(variants).map((name) => [name, []]));
try {
  const db = new DatabaseSync(join(folder, 'bench.db'));
  db.exec('pragma journal_mode = wal');
  db.exec('create table pairs (id integer primary key, sealed text, generation integer)');
  for (let id = 0; id < 1_000; id += 1)
    db.prepare('insert into pairs values (?, ?, 0)').run(id, sealed);
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, { mode, modes }] of Object.entries(variants)) {
      db.exec(`pragma synchronous = ${mode}`);
      results[name].push(measure(db, modes));
    }
  }
  db.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
for (const [name, rows] of Object.entries(results)) {
  const [p50, p99, cpu] = ['p50', 'p99', 'cpu'].map((key) => median(rows.map((row) => row[key])));
  console.log(
    `${name.padEnd(26)} ${p50.toFixed(0).padStart(6)} µs a commit (p50), ${p99.toFixed(0).padStart(6)} µs (p99), ${cpu.toFixed(0).padStart(5)} µs CPU`,
  );
}
