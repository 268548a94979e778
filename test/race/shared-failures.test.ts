import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/runtime/clock.ts';
import { eachDatabase } from '../support/each-database.ts';
import { barrier } from '../support/engine-process-messages.ts';
import { openEngineRig } from '../support/engine-process-rig.ts';
import { runTogether, startEngineProcess, type EngineProcess } from '../support/engine-process.ts';

const token = { method: 'POST', path: '/oauth/token' };
const path = '/api/profiles';
const hourMs = 3_600_000;

let holder: EngineProcess;
let waiter: EngineProcess;
let both: readonly EngineProcess[];
beforeAll(async () => {
  both = [holder, waiter] = await Promise.all([startEngineProcess(), startEngineProcess()]);
});
afterAll(() => Promise.all(both.map((each) => each[Symbol.asyncDispose]())));

describe.each(eachDatabase)('a failure that processes share, on $database', (db) => {
  it.each([
    [429, 'upstream_throttled'],
    [503, 'upstream_unavailable'],
  ] as const)(
    'reaches who waits in another process, and Retry-After binds both: %d',
    async (status, code) => {
      await using rig = await openEngineRig({ createDatabase: db.create });
      const { accountId } = await rig.consent({ expiresAtMs: systemClock.now() - 1 });
      await runTogether(both, { do: 'open', setup: rig.setup });
      const headers = { 'retry-after': '600' };
      const mend = rig.sandbox.addFault({ match: token, kind: 'status', status, headers });
      const command = { do: 'call', accountId, callers: 10, path } as const;

      // The holder stands still with the failure in hand until the other surely waits for it.
      await holder.run({ do: 'signal', step: 'reply_received', signal: 'SIGSTOP' });
      const first = holder.run(command);
      await holder.trapped();
      const second = waiter.run(command);
      await waiter.run(barrier);
      holder.signal('SIGCONT');
      for (const answer of [first, second]) {
        const { statuses, errors, retryAfterSec } = await answer;
        expect({ statuses, errors }).toEqual({ statuses: {}, errors: { [code]: 10 } });
        expect(retryAfterSec).toBeGreaterThanOrEqual(500);
        expect(retryAfterSec).toBeLessThanOrEqual(900);
      }

      await runTogether(both, { do: 'skip', ms: 300_000 });
      expect((await runTogether(both, command)).errors).toEqual({ [code]: 20 });
      expect(rig.sandbox.statistics().faults).toBe(1);
      mend();
      await runTogether(both, { do: 'skip', ms: 601_000 });
      expect(await runTogether(both, command)).toMatchObject({ statuses: { 200: 20 }, errors: {} });
      expect(rig.sandbox.statistics().byOperation['oauth_refresh']).toEqual({ 200: 1 });
    },
  );

  it('is no reason to refresh again when fresh tokens are refused: nothing is disconnected', async () => {
    await using rig = await openEngineRig({ createDatabase: db.create });
    const grant = await rig.consent({ obtainedAtMs: systemClock.now() - hourMs / 2 });
    await rig.connect(grant.accountId, 'acme');
    await runTogether(both, { do: 'open', setup: rig.setup });
    const match = { path: '/api/*' };
    const mend = rig.sandbox.addFault({ match, kind: 'status', status: 401 });
    const command = { do: 'fetch', customerIds: ['acme'], callers: 20, path } as const;

    for (let minute = 1; minute <= 3; minute += 1) {
      for (let calls = 0; calls < 3; calls += 1) {
        const { statuses, errors } = await runTogether(both, command);
        const refused = (statuses[401] ?? 0) + (errors['token_refused'] ?? 0);
        expect(refused).toBe(40);
      }
      // One good refresh a minute, however many calls are refused.
      expect(rig.sandbox.statistics().byOperation['oauth_refresh']).toEqual({ 200: minute });
      await runTogether(both, { do: 'skip', ms: 61_000 });
    }
    expect(await rig.stored(grant)).toMatchObject({ state: 'active', generation: 4 });
    mend();
    expect(await runTogether(both, command)).toMatchObject({ statuses: { 200: 40 }, errors: {} });
  });
});
