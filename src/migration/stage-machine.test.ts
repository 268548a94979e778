import { describe, expect, it } from 'vitest';
import { openTestBench } from '../../test/support/workbench-fixture.ts';
import { attentionReasons, canMove, stages, type Stage } from '../model/stages.ts';

const pairs = stages.flatMap((from) => stages.map((to): [Stage, Stage] => [from, to]));
const moves = pairs.filter(([, to]) => to !== 'attention') as [
  Stage,
  Exclude<Stage, 'attention'>,
][];

describe('a step that does not exist', () => {
  it('is refused for every such pair, and leaves neither a change nor a line', async () => {
    await using bench = await openTestBench();
    for (const [from, to] of moves.filter(([a, b]) => !canMove(a, b))) {
      const customer = `${from}-${to}`;
      const connection = await bench.add(customer, { stage: from });
      const move = bench.machine.move(bench.store, connection, to, { actor: 'test' });
      await expect(move, customer).rejects.toMatchObject({
        code: 'stage_conflict',
        message: expect.stringContaining(customer) as string,
      });
      expect(await bench.read(customer)).toEqual(connection);
      expect(await bench.auditOf(customer)).toEqual([]);
    }
  });

  it('is one that another writer took first', async () => {
    await using bench = await openTestBench();
    const connection = await bench.add('acme', { stage: 'checked' });
    await bench.machine.move(bench.store, connection, 'invited', { actor: 'first' });
    const late = bench.store.transaction((tx) =>
      bench.machine.move(tx, connection, 'authorized', { actor: 'second' }),
    );
    await expect(late).rejects.toMatchObject({ code: 'stage_conflict' });
    expect(await bench.read('acme')).toMatchObject({ stage: 'invited' });
    expect(await bench.auditOf('acme')).toEqual(['checked → invited, first']);
  });
});

describe('a step that exists', () => {
  it('is taken for every such pair, with one line in the audit log', async () => {
    await using bench = await openTestBench();
    for (const [from, to] of moves.filter(([a, b]) => canMove(a, b))) {
      const customer = `${from}-${to}`;
      const connection = await bench.add(customer, { stage: from });
      await bench.clock.advance(1_000);
      const cause = { actor: 'service:shop', reason: 'because' };
      const moved = await bench.machine.move(bench.store, connection, to, cause);
      expect(moved).toEqual(await bench.read(customer));
      expect(moved).toMatchObject({
        stage: to,
        version: connection.version + 1,
        updatedAtMs: bench.clock.now(),
      });
      expect(await bench.store.audit.listByConnection(connection.id)).toEqual([
        {
          atMs: bench.clock.now(),
          actor: 'service:shop',
          action: 'connection.stage',
          connectionId: connection.id,
          fromStage: from,
          toStage: to,
          reason: 'because',
        },
      ]);
    }
  });

  it('writes further columns with the stage, and keeps the others', async () => {
    await using bench = await openTestBench();
    const connection = await bench.add('acme', { email: 'a@acme.example', name: 'Acme' });
    const change = { accountId: 'AAA111', accountName: 'Alpha', name: undefined };
    await bench.machine.move(bench.store, connection, 'checked', { actor: 'test', change });
    expect(await bench.read('acme')).toMatchObject({
      stage: 'checked',
      accountId: 'AAA111',
      accountName: 'Alpha',
      email: 'a@acme.example',
      name: undefined,
    });
  });

  it('out of attention leaves the reason behind', async () => {
    await using bench = await openTestBench();
    const fields = { attentionReason: 'consent_denied', attentionFrom: 'opened' } as const;
    const connection = await bench.add('acme', { stage: 'attention', ...fields });
    await bench.machine.move(bench.store, connection, 'invited', { actor: 'test' });
    expect(await bench.read('acme')).toMatchObject({
      attentionReason: undefined,
      attentionFrom: undefined,
    });
  });
});

describe('a flag', () => {
  it.each(stages)('can be set from %s, with the way back and a line', async (from) => {
    await using bench = await openTestBench();
    const connection = await bench.add('acme', { stage: from });
    const cause = { actor: 'system', reason: 'in words' };
    await bench.machine.flag(bench.store, connection, 'grant_lost', cause);
    expect(await bench.read('acme')).toMatchObject({
      stage: 'attention',
      attentionReason: 'grant_lost',
      attentionFrom: from === 'attention' ? 'imported' : from,
    });
    expect(await bench.auditOf('acme')).toEqual([`${from} → attention, system: in words`]);
  });

  it('replaces an earlier one and keeps the stage from before it', async () => {
    await using bench = await openTestBench();
    const first = await bench.add('acme', { stage: 'opened' });
    const { machine, store } = bench;
    const flagged = await machine.flag(store, first, 'consent_denied', { actor: 'customer' });
    await machine.flag(store, flagged, 'account_mismatch', { actor: 'customer' });
    expect(await bench.read('acme')).toMatchObject({
      attentionReason: 'account_mismatch',
      attentionFrom: 'opened',
    });
  });

  it.each(attentionReasons)('gives %s as the reason where no words are given', async (reason) => {
    await using bench = await openTestBench();
    const connection = await bench.add('acme', { stage: 'live' });
    await bench.machine.flag(bench.store, connection, reason, { actor: 'system' });
    expect(await bench.auditOf('acme')).toEqual([`live → attention, system: ${reason}`]);
  });
});
