import { describe, expect, it } from 'vitest';
import { openTestBench, type TestBench } from '../../../test/support/workbench-fixture.ts';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import {
  applyPlan,
  otherStage,
  planFor,
  willChange,
  type ApplyOptions,
  type Outcome,
  type PlanItem,
  type UseCase,
} from './plan.ts';

/** Checks imported connections; `hurdle` runs before each is written. */
function checkStep(
  { store, machine }: TestBench,
  hurdle: (customerId: string) => void | Promise<void> = () => undefined,
): UseCase<string, string> {
  return {
    decide: (connection) =>
      Promise.resolve(
        connection.stage === 'imported'
          ? willChange(connection.customerId.toUpperCase(), 'imported → checked')
          : otherStage(connection, 'only imported connections are checked'),
      ),
    async carryOut(connection, change, { actor }) {
      await hurdle(connection.customerId);
      await store.transaction((tx) => machine.move(tx, connection, 'checked', { actor }));
      return change;
    },
  };
}

async function openFour(): Promise<TestBench> {
  const bench = await openTestBench();
  for (const customerId of ['a', 'b', 'c']) await bench.add(customerId);
  await bench.add('d', { stage: 'live' });
  return bench;
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Applies a plan and tells what became of each customer. */
async function apply(
  { store }: TestBench,
  useCase: UseCase<string, string>,
  options: Partial<ApplyOptions<string>> & {
    readonly plan?: Iterable<PlanItem<string>>;
  } = {},
): Promise<Record<string, string>> {
  const ends: Record<string, string> = {};
  const { plan = planFor(store, {}, useCase), ...rest } = options;
  await applyPlan(store, plan, useCase, {
    actor: 'test',
    ...rest,
    onOutcome(outcome) {
      ends[outcome.connection.customerId] = inWords(outcome);
      return options.onOutcome?.(outcome);
    },
  });
  return ends;
}

function inWords(outcome: Outcome<string>): string {
  if (outcome.kind === 'done') return `done: ${outcome.result}`;
  return outcome.kind === 'skipped' ? outcome.skip.code : outcome.error.code;
}

describe('a plan', () => {
  it('says what would change and what would not, and changes nothing', async () => {
    await using bench = await openFour();
    const before = await collect(bench.store.connections.list());
    const plan = await collect(planFor(bench.store, {}, checkStep(bench)));
    expect(
      plan.map((item) => [
        item.connection.customerId,
        item.kind === 'change' ? item.description : item.skip.error.message,
      ]),
    ).toEqual([
      ['a', 'imported → checked'],
      ['b', 'imported → checked'],
      ['c', 'imported → checked'],
      ['d', 'Customer d is live; only imported connections are checked.'],
    ]);
    expect(await collect(bench.store.connections.list())).toEqual(before);
  });

  it('is applied in the name of its actor', async () => {
    await using bench = await openFour();
    expect(await apply(bench, checkStep(bench))).toEqual({
      ...{ a: 'done: A', b: 'done: B', c: 'done: C' },
      d: 'other_stage',
    });
    expect(await bench.auditOf('a')).toEqual(['imported → checked, test']);
  });

  it.each([1, 8])('goes on when one connection fails, %d at a time', async (concurrency) => {
    await using bench = await openFour();
    const useCase = checkStep(bench, (customerId) => {
      if (customerId === 'b') throw new KeyshiftError('upstream_unavailable', 'Not now.');
    });
    const ends = await apply(bench, useCase, { concurrency });
    expect(ends).toMatchObject({ a: 'done: A', b: 'upstream_unavailable', c: 'done: C' });
    expect(await bench.read('b')).toMatchObject({ stage: 'imported' });
  });

  it('leaves alone what changed after it was made', async () => {
    await using bench = await openFour();
    const useCase = checkStep(bench);
    const plan = await collect(planFor(bench.store, {}, useCase));
    const planned = await bench.read('b');
    await bench.store.connections.update(planned, { name: 'Other' }, bench.clock.now());
    expect(await apply(bench, useCase, { plan })).toMatchObject({ a: 'done: A', b: 'changed' });
    expect(await bench.read('b')).toMatchObject({ stage: 'imported', name: 'Other' });
  });

  it('leaves alone what another hand changes while a step waits', async () => {
    await using bench = await openFour();
    const useCase = checkStep(bench, async (customerId) => {
      if (customerId !== 'b') return;
      const current = await bench.read('b');
      await bench.store.connections.update(current, { name: 'Other' }, bench.clock.now());
    });
    expect(await apply(bench, useCase)).toMatchObject({ a: 'done: A', b: 'changed', c: 'done: C' });
  });

  it('does each connection once when it is ended early and made again', async () => {
    await using bench = await openFour();
    const stop = new AbortController();
    const first = await apply(bench, checkStep(bench), {
      signal: stop.signal,
      onOutcome: () => stop.abort(),
    });
    expect(first).toEqual({ a: 'done: A' });
    const second = await apply(bench, checkStep(bench));
    expect(second).toMatchObject({ a: 'other_stage', b: 'done: B', c: 'done: C' });
    expect(await bench.auditOf('a')).toHaveLength(1);
  });

  it('ends on a fault of ours, and not before the steps under way are through', async () => {
    await using bench = await openFour();
    const useCase = checkStep(bench, async (customerId) => {
      if (customerId === 'a') throw new Error('a fault');
      await new Promise(setImmediate);
    });
    await expect(apply(bench, useCase, { concurrency: 2 })).rejects.toThrow('a fault');
    expect(await bench.read('b')).toMatchObject({ stage: 'checked' });
    expect(await bench.read('c')).toMatchObject({ stage: 'imported' });
  });

  it('waits once, at its end, until every process obeys; not when nothing was done', async () => {
    await using bench = await openFour();
    let settled = 0;
    const settle = () => Promise.resolve(void (settled += 1));
    await apply(bench, { ...checkStep(bench), settle });
    expect(settled).toBe(1);
    await apply(bench, { ...checkStep(bench), settle });
    expect(settled).toBe(1);
  });
});
