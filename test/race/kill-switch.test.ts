import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { routeSwitchName } from '../../src/calls/route-policies.ts';
import { createPostgresDatabase } from '../support/databases.ts';
import { environmentOf, startFlow } from '../support/flow-fixture.ts';
import { keyOf, migrateToLive } from '../support/migration-steps.ts';

const program = fileURLToPath(new URL('../support/proxy-process.ts', import.meta.url));

interface Sent {
  readonly sentAtMs: number;
  readonly doneAtMs: number;
  readonly status: number;
  readonly route: string | null;
}

it('the switch, thrown once, reaches 4 processes on PostgreSQL: no call by the old route later than a second', async () => {
  await using database = await createPostgresDatabase();
  await using fixture = await startFlow({ databaseUrl: database.url });
  await migrateToLive(fixture, 'acme', 0);
  const { keyshift, sandbox, secrets, port } = fixture;
  const environment = environmentOf(port, sandbox, secrets, { databaseUrl: database.url });
  const processes: ChildProcess[] = [];
  try {
    const ports: number[] = [];
    for (let at = 0; at < 4; at += 1) {
      const child = fork(program, [JSON.stringify(environment)]);
      processes.push(child);
      const [message] = (await once(child, 'message')) as [{ port: number }];
      ports.push(message.port);
    }
    const key = keyOf(fixture, 0);
    const calls: Sent[] = [];
    const stop = new AbortController();
    const load = async (of: number) => {
      while (!stop.signal.aborted) {
        const sentAtMs = Date.now();
        const answer = await fetch(`http://127.0.0.1:${of}/api/accounts`, {
          headers: { authorization: `Klaviyo-API-Key ${key}` },
        });
        await answer.arrayBuffer();
        const route = answer.headers.get('keyshift-route');
        calls.push({ sentAtMs, doneAtMs: Date.now(), status: answer.status, route });
      }
    };
    const running = Promise.all(ports.map(load));
    const more = async (count: number) => {
      const target = calls.length + count;
      await expect.poll(() => calls.length, { timeout: 60_000 }).toBeGreaterThan(target);
    };
    const throwSwitch = async (route: 'key' | undefined, old: string) => {
      await more(40);
      const thrownAtMs = Date.now();
      await keyshift.store.switches.set(routeSwitchName, route, thrownAtMs, 'test');
      const setAtMs = Date.now();
      // Calls that begin a second later, on each process.
      await expect
        .poll(() => calls.filter(({ sentAtMs }) => sentAtMs > setAtMs + 1_000).length, {
          timeout: 60_000,
        })
        .toBeGreaterThan(40);
      return calls.filter((call) => call.sentAtMs > setAtMs + 1_000 && call.route === old);
    };
    expect(await throwSwitch('key', 'oauth')).toEqual([]);
    expect(await throwSwitch(undefined, 'key')).toEqual([]);
    stop.abort();
    await running;
    expect(calls.filter(({ status }) => status !== 200)).toEqual([]);
    expect(new Set(calls.map(({ route }) => route))).toEqual(new Set(['oauth', 'key']));
  } finally {
    for (const child of processes) {
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    }
  }
});
