import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, vi } from 'vitest';
import { sampleInvitation } from '../../test/store/contract/contract-test.ts';
import {
  benchClientId as clientId,
  openTestBench,
  tokenPair,
  type TestBench,
} from '../../test/support/workbench-fixture.ts';
import type { AuthorizationRecord } from '../model/authorization.ts';

const attempt = (bench: TestBench, stateHash: string): AuthorizationRecord => ({
  stateHash,
  invitationId: undefined,
  customerId: undefined,
  createdAtMs: bench.clock.now(),
  expiresAtMs: bench.clock.now() + 1_000,
  consumedAtMs: bench.clock.now(),
  result: undefined,
});

describe('writes to SQLite that come at the same time', () => {
  it('share one commit, synced when one of them has to be on the disk', async () => {
    await using bench = await openTestBench();
    const { authorizations, grants } = bench.store;
    const { id } = await bench.grant('AAA111');
    const exec = vi.spyOn(DatabaseSync.prototype, 'exec');
    try {
      const next = tokenPair('next', bench.clock.now());
      await Promise.all([
        authorizations.consume(attempt(bench, 'one')),
        grants.saveRefreshed(id, 1, next),
        authorizations.consume(attempt(bench, 'two')),
      ]);
      await Promise.all(
        ['three', 'four'].map((state) => authorizations.consume(attempt(bench, state))),
      );
      expect(exec.mock.calls.map(([statement]) => statement)).toEqual([
        ...['pragma synchronous = full', 'commit', 'pragma synchronous = normal'],
        'commit',
      ]);
    } finally {
      exec.mockRestore();
    }
    for (const state of ['one', 'two', 'three', 'four']) {
      expect(await authorizations.find(state)).toBeDefined();
    }
    expect(await grants.find({ clientId, accountId: 'AAA111' })).toMatchObject({ generation: 2 });
  });

  it('stand although one among them is refused, which alone learns of it', async () => {
    await using bench = await openTestBench();
    const { invitations } = bench.store;
    const { id: connectionId } = await bench.add('acme');
    const ids = ['one', 'two', 'one', 'three'];
    const results = await Promise.allSettled(
      ids.map((id) => invitations.insert(sampleInvitation(id, connectionId))),
    );
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    for (const id of ids) expect(await invitations.findById(id)).toBeDefined();
  });

  it('let only one of many take what only one may have', async () => {
    await using bench = await openTestBench();
    const { authorizations } = bench.store;
    const consumed = await Promise.all(
      Array.from({ length: 10 }, () => authorizations.consume(attempt(bench, 'one'))),
    );
    expect(consumed.filter(Boolean)).toHaveLength(1);
  });

  it('all fail when their commit fails, and leave nothing behind', async () => {
    await using bench = await openTestBench();
    const { authorizations } = bench.store;
    const original = Object.getOwnPropertyDescriptor(DatabaseSync.prototype, 'exec')
      ?.value as DatabaseSync['exec'];
    const exec = vi.spyOn(DatabaseSync.prototype, 'exec').mockImplementation(function (
      this: DatabaseSync,
      statement,
    ) {
      if (statement === 'commit') throw Object.assign(new Error('disk I/O error'), { errcode: 10 });
      original.call(this, statement);
    });
    const insertAll = () =>
      Promise.allSettled(
        ['one', 'two'].map((state) => authorizations.consume(attempt(bench, state))),
      );
    try {
      const failed = { status: 'rejected', reason: { code: 'database_unavailable' } };
      expect(await insertAll()).toMatchObject([failed, failed]);
    } finally {
      exec.mockRestore();
    }
    expect(await authorizations.find('one')).toBeUndefined();
    const done = { status: 'fulfilled' };
    expect(await insertAll()).toMatchObject([done, done]);
  });

  it('never mix with a transaction that is open', async () => {
    await using bench = await openTestBench();
    const { store } = bench;
    const { authorizations } = store;
    const { promise: opened, resolve: open } = Promise.withResolvers();
    const { promise: released, resolve: release } = Promise.withResolvers();
    const failing = store.transaction(async (tx) => {
      await tx.authorizations.consume(attempt(bench, 'inside'));
      open(true);
      await released;
      throw new Error('no');
    });
    await opened;
    const outside = ['one', 'two'].map((state) => authorizations.consume(attempt(bench, state)));
    release(true);
    await expect(failing).rejects.toThrow('no');
    await Promise.all(outside);
    expect(await authorizations.find('inside')).toBeUndefined();
    expect(await authorizations.find('two')).toBeDefined();
  });

  it('are done before the database is closed', async () => {
    const bench = await openTestBench();
    const { authorizations } = bench.store;
    const writing = ['one', 'two'].map((state) => authorizations.consume(attempt(bench, state)));
    await new Promise(process.nextTick); // They have reached the driver.
    await bench.store.close();
    await expect(Promise.all(writing)).resolves.toBeDefined();
  });
});
