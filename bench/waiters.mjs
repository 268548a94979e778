import pg from 'pg';
import { openDatabases } from './support/databases.mjs';
import { readUsage } from './support/process-usage.mjs';

export const about =
  'how soon a waiting process has the pair that another saved: polling against LISTEN/NOTIFY';

const pollMs = 40;
const refreshMs = 400;
const channel = 'keyshift_grants';
const sealed = 'y'.repeat(1_600);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Both ways in turns on one PostgreSQL; a waiter waits for each grant, as in another process. */
export async function measure({ quick, note }) {
  const [rounds, grants] = [quick ? 4 : 20, 20];
  const [, postgres] = await openDatabases('');
  const bench = await openBench(await postgres.create('waiters'), grants);
  const ways = createWays(bench);
  const results = Object.fromEntries(
    Object.keys(ways).map((name) => [name, { waits: [], saves: [], cpuUs: 0, serverUs: 0 }]),
  );
  for (let round = 0; round < rounds; round += 1) {
    note(`round ${round + 1} of ${rounds}`);
    for (const [name, way] of Object.entries(ways)) await runRound(bench, way, results[name]);
  }
  await bench.close();
  return Object.entries(results).flatMap(([name, result]) => toRows(name, result));
}

async function openBench(connectionString, grants) {
  const open = { connectionString, max: 10 };
  const winner = new pg.Pool({ ...open, application_name: 'winner' });
  const waiters = new pg.Pool({ ...open, application_name: 'waiter' });
  await winner.query('create table grants (id int primary key, generation int, sealed text)');
  await winner.query(
    `insert into grants select n, 0, repeat('x', 1600) from generate_series(1, ${grants}) n`,
  );
  const listener = new pg.Client({ connectionString, application_name: 'waiter' });
  await listener.connect();
  await listener.query(`listen ${channel}`);
  return {
    ...{ winner, waiters, listener },
    close: () => Promise.all([winner.end(), waiters.end(), listener.end()]),
  };
}

/** How to wait for a generation above `from`, and how to save one. */
function createWays({ winner, waiters, listener }) {
  const read = async (id) => {
    const query = { name: 'read', text: 'select generation from grants where id = $1' };
    return (await waiters.query({ ...query, values: [id] })).rows[0].generation;
  };
  const readPair = (id) =>
    waiters.query({ name: 'pair', text: 'select * from grants where id = $1', values: [id] });
  const update = 'update grants set generation = generation + 1, sealed = $2 where id = $1';
  const woken = new Map();
  listener.on('notification', ({ payload }) => woken.get(payload)?.());
  return {
    polling: {
      async wait(id, from) {
        while ((await read(id)) <= from) await sleep(pollMs * (0.5 + Math.random()));
        await readPair(id);
      },
      save: (id) => winner.query({ name: 'save', text: update, values: [id, sealed] }),
    },
    'LISTEN/NOTIFY': {
      async wait(id, from) {
        const word = new Promise((resolve) => woken.set(String(id), resolve));
        // Read once more when the listener is in place; a lost word is made good by a slow poll.
        while ((await read(id)) <= from) await Promise.race([word, sleep(1_000)]);
        await readPair(id);
      },
      save: (id) =>
        winner.query({
          name: 'notify',
          text: `with saved as (${update} returning id)
                 select pg_notify('${channel}', id::text) from saved`,
          values: [id, sealed],
        }),
    },
  };
}

async function runRound({ winner }, { wait, save }, result) {
  const { rows } = await winner.query('select id, generation from grants');
  const serverBefore = await serverCpuUs(winner);
  const before = process.cpuUsage();
  await Promise.all(
    rows.map(async ({ id, generation }) => {
      let savingMs = 0;
      const waiting = wait(id, generation).then(() =>
        result.waits.push(performance.now() - savingMs),
      );
      await sleep(refreshMs * (0.5 + Math.random()));
      savingMs = performance.now();
      await save(id);
      result.saves.push(performance.now() - savingMs);
      await waiting;
    }),
  );
  const { user, system } = process.cpuUsage(before);
  result.cpuUs += user + system;
  result.serverUs += (await serverCpuUs(winner)) - serverBefore;
}

/** CPU of the server's processes for both sides. */
async function serverCpuUs(pool) {
  const { rows } = await pool.query(
    "select pid from pg_stat_activity where application_name in ('waiter', 'winner')",
  );
  return rows.reduce((sum, { pid }) => sum + readUsage(pid).cpuUs, 0);
}

function toRows(name, { waits, saves, cpuUs, serverUs }) {
  const at = (values, share) =>
    values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? 0;
  return [
    { name: `${name}, save begun to pair in hand, p50`, value: at(waits, 0.5), unit: 'ms' },
    { name: `${name}, save begun to pair in hand, p99`, value: at(waits, 0.99), unit: 'ms' },
    { name: `${name}, a save, p50`, value: at(saves, 0.5), unit: 'ms' },
    { name: `${name}, a wait and its save`, value: cpuUs / waits.length, unit: 'µs CPU' },
    { name: `${name}, at the server`, value: serverUs / waits.length, unit: 'µs CPU' },
    { name: `${name}, connections kept`, value: name === 'polling' ? 0 : 1, unit: 'a process' },
  ];
}
