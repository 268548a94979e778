import { describe, expect, it } from 'vitest';
import { openTestBench, type TestBench } from '../../../test/support/workbench-fixture.ts';
import { countSelected, select, type Selection } from './selection.ts';

async function open(): Promise<TestBench> {
  const bench = await openTestBench();
  await bench.add('a', { stage: 'checked' });
  await bench.add('b', { stage: 'live' });
  await bench.add('c', { stage: 'checked' });
  await bench.store.labels.put((await bench.read('a')).id, { plan: 'pro' });
  await bench.store.labels.put((await bench.read('b')).id, { plan: 'pro' });
  await bench.invitations.issue(await bench.read('c'), 1_000, 'test', { wave: 'spring' });
  return bench;
}

async function idsOf({ store }: TestBench, selection: Selection): Promise<string[]> {
  const ids: string[] = [];
  for await (const { customerId } of select(store, selection)) ids.push(customerId);
  return ids;
}

describe('a selection', () => {
  it.each<[Selection, string[]]>([
    [{}, ['a', 'b', 'c']],
    [{ customers: ['c', 'a', 'c'] }, ['c', 'a']],
    [{ cohort: { plan: 'pro' } }, ['a', 'b']],
    [{ wave: 'spring' }, ['c']],
    [{ stages: ['live'] }, ['b']],
    [{ cohort: { plan: 'pro' }, stages: ['live'] }, ['b']],
    [{ customers: ['a', 'b', 'c'], stages: ['checked'], cohort: { plan: 'pro' } }, ['a']],
    [{ cohort: { plan: 'pro' }, stages: ['quiet'] }, []],
  ])('is what meets every condition: %j', async (selection, ids) => {
    await using bench = await open();
    expect(await idsOf(bench, selection)).toEqual(ids);
  });

  it.each<[Selection, string]>([
    [{ customers: ['a', 'nobody'] }, 'Customer "nobody" has no connection.'],
    [{ cohort: { plan: 'prro' } }, 'No customer has plan=prro.'],
    [{ wave: 'sprung' }, 'No customer was invited in the wave sprung.'],
    [{ wave: 'spring', cohort: { plan: 'pro' }, stages: ['checked'] }, 'No customer has plan=pro'],
  ])('that is a typo is told before anything is touched: %j', async (selection, message) => {
    await using bench = await open();
    await expect(idsOf(bench, selection)).rejects.toMatchObject({
      code: 'connection_not_found',
      message: expect.stringContaining(message) as string,
    });
  });

  it('is counted for a progress bar', async () => {
    await using bench = await open();
    const { store } = bench;
    expect(await countSelected(store, {})).toBe(3);
    expect(await countSelected(store, { stages: ['live'] })).toBe(1);
    expect(await countSelected(store, { wave: 'spring' })).toBe(1);
    expect(await countSelected(store, { customers: ['a', 'a'] })).toBe(1);
  });
});
