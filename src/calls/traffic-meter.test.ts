import { describe, expect, it } from 'vitest';
import { openTestBench } from '../../test/support/workbench-fixture.ts';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import { createLogger } from '../runtime/logger.ts';
import { createTrafficMeter, type MeteredCall } from './traffic-meter.ts';
import { createWriteBehind } from './write-behind.ts';

async function open() {
  const bench = await openTestBench();
  const logger = createLogger({ level: 'silent' });
  const writeBehind = createWriteBehind(logger, bench.clock);
  const meter = createTrafficMeter({ ...bench, writeBehind, logger });
  const connection = await bench.add('acme', { key: 'pk_0123456789abcdef' });
  const record = (fields: Partial<MeteredCall> = {}) => {
    meter.record({
      ...{ connectionId: connection.id, route: 'key', operationId: 'get_profiles' },
      ...{ status: 200, edge: false, tookMs: 7 },
      ...fields,
    });
  };
  return { ...bench, writeBehind, meter, connection, record };
}

describe('counted calls', () => {
  it('are written when it is time, and the use of the key with them', async () => {
    await using bench = await open();
    const { store, connection, clock, record, writeBehind } = bench;
    for (const status of [200, 204, 302, 404, 401, 403, 429, 500, undefined]) record({ status });
    record({ status: 403, edge: true });
    record({ route: 'oauth', operationId: undefined });
    expect((await store.traffic.summarize(connection.id, 0)).key.calls).toBe(0);
    await writeBehind.flush();
    const { key, oauth } = await store.traffic.summarize(connection.id, 0);
    expect(key).toMatchObject({ calls: 10, ok: 3, refused: 2, failed: 3 });
    expect(oauth.calls).toBe(1);
    expect((await store.privateKeys.info(connection.id))?.lastUsedAtMs).toBe(clock.now());
    await writeBehind.flush();
    expect((await store.traffic.summarize(connection.id, 0)).key.calls).toBe(10);
  });

  it('are kept while the database is away, and written once when it is back', async () => {
    await using bench = await open();
    const { store, connection, record, writeBehind } = bench;
    const add = store.traffic.add;
    const broken = {
      ...store.traffic,
      add: () => Promise.reject(new KeyshiftError('database_unavailable', 'It is away.')),
    };
    Object.assign(store.traffic, broken);
    record();
    await writeBehind.flush();
    record();
    Object.assign(store.traffic, { add });
    await writeBehind.close();
    expect((await store.traffic.summarize(connection.id, 0)).key.calls).toBe(2);
  });

  it('are shown by operation, route and status, with their latency', async () => {
    await using bench = await open();
    bench.record({ tookMs: 3 });
    bench.record({ tookMs: 30 });
    bench.record({ status: undefined });
    bench.meter.countFallBack('403');
    const figures = [...bench.meter.figures.list()];
    expect(figures.map(({ status, calls }) => [status, calls])).toEqual([
      ['200', 2],
      ['none', 1],
    ]);
    expect(figures[0]).toMatchObject({ operation: 'get_profiles', route: 'key', totalMs: 33 });
    expect([...bench.meter.figures.fallBacks()]).toEqual([['403', 1]]);
  });
});
