import assert from 'node:assert/strict';
import type { AuditEvent } from '../records.ts';
import { t0, type ContractTest } from './contract-test.ts';

const event = (fields: Partial<AuditEvent>): AuditEvent => ({
  atMs: t0,
  actor: 'system',
  action: 'connection.stage',
  connectionId: 'c1',
  fromStage: undefined,
  toStage: undefined,
  reason: undefined,
  ...fields,
});

/** Promises of `store.audit`. */
export const auditCases = {
  async 'audit: events of a connection come in the order they were appended'(store) {
    const events = [
      event({ fromStage: 'imported', toStage: 'checked', actor: 'cli', reason: 'key ok' }),
      // Clocks of several machines differ: the order is that of appending.
      event({ atMs: t0 - 5_000, action: 'grant.refreshed' }),
      event({ atMs: t0 + 1, actor: 'service:billing' }),
    ];
    for (const [i, each] of events.entries()) {
      await store.audit.append(each);
      await store.audit.append(event({ connectionId: i === 0 ? undefined : 'c2' }));
    }
    assert.deepEqual(await store.audit.listByConnection('c1'), events);
    assert.equal((await store.audit.listByConnection('c2')).length, 2);
    assert.deepEqual(await store.audit.listByConnection('nope'), []);
  },
} as const satisfies Record<string, ContractTest>;
