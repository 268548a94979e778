import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/runtime/clock.ts';
import type { RotationMode } from '../../src/sandbox.ts';
import type { Grant } from '../../src/model/grant.ts';
import { eachDatabase } from '../support/each-database.ts';
import { createGate, type Gate } from '../support/engine-process-gate.ts';
import { barrier, type EngineCommand } from '../support/engine-process-messages.ts';
import { openEngineRig, type EngineRig } from '../support/engine-process-rig.ts';
import { runTogether, startEngineProcess, type EngineProcess } from '../support/engine-process.ts';

const rotations: readonly RotationMode[] = [
  'none',
  'rotate',
  'rotate_with_reuse_detection',
  'rotate_with_grace',
];
const callers = 100;
const path = '/api/profiles';
const hourMs = 3_600_000;

let processes: readonly EngineProcess[];
beforeAll(async () => {
  processes = await Promise.all(Array.from({ length: 4 }, () => startEngineProcess()));
});
afterAll(() => Promise.all(processes.map((each) => each[Symbol.asyncDispose]())));

describe.each(eachDatabase)('4 processes × 100 callers on one $database grant', ({ create }) => {
  // Ten refreshes a minute for each install: as near to Klaviyo as is known.
  describe.each(rotations)('under rotation "%s", ten refreshes a minute at most', (rotation) => {
    let rig: EngineRig;
    let gate: Gate;
    beforeAll(async () => {
      gate = createGate();
      const sandbox = { rotation, clock: gate.clock, refreshLimitPerMinute: 10 };
      rig = await openEngineRig({ createDatabase: create, sandbox });
      await runTogether(processes, { do: 'open', setup: rig.setup });
    });
    afterAll(() => rig[Symbol.asyncDispose]());

    const expired = () => rig.consent({ expiresAtMs: systemClock.now() - 1 });
    /** Answers by status of one of the sandbox's operations, so far. */
    const answers = (operation: string) => {
      return rig.sandbox.statistics().byOperation[operation] ?? {};
    };

    /** Everybody at once: no call fails, and the provider sees one refresh and nothing else. */
    async function expectOneRefresh(grant: Grant, command: EngineCommand): Promise<void> {
      const before = answers('oauth_refresh');
      const match = { method: 'POST', path: '/oauth/token' };
      rig.sandbox.addFault({ match, kind: 'delay', delayMs: 0, times: 1 });
      const together = runTogether(processes, command);
      const refresh = await gate.next();
      // The answer is held back until every process has sent all its callers off.
      await runTogether(processes, barrier);
      refresh.pass();
      const tally = await together;
      expect(tally.errors).toEqual({});
      expect(tally.statuses).toEqual({ 200: processes.length * callers });
      expect(answers('oauth_refresh')).toEqual({ 200: (before['200'] ?? 0) + 1 });
      expect(await rig.stored(grant)).toMatchObject({ state: 'active', generation: 2 });
    }

    it('refresh an expired token once, and all of them get through', async () => {
      const grant = await expired();
      const { accountId } = grant;
      rig.sandbox.expireAccessTokens(accountId);
      await expectOneRefresh(grant, { do: 'call', accountId, callers, path });
      // What was saved is what the provider honours.
      await runTogether(processes, { do: 'skip', ms: 2 * hourMs });
      await processes[0]!.run({ do: 'call', accountId, callers: 1, path });
      expect(await rig.stored(grant)).toMatchObject({ state: 'active', generation: 3 });
    });

    it('refresh once when Klaviyo says 401 to a token that the clock calls fresh', async () => {
      const nowMs = systemClock.now();
      const grant = await rig.consent({ obtainedAtMs: nowMs - hourMs, expiresAtMs: nowMs * 2 });
      await rig.connect(grant.accountId, 'acme');
      rig.sandbox.invalidateAccessTokens(grant.accountId);
      await expectOneRefresh(grant, { do: 'fetch', customerIds: ['acme'], callers, path });
      expect(answers('get_profiles')['401']).toBeGreaterThan(1);
    });

    // Where a second refresh would do the most harm; the lock is the same under every rotation.
    if (rotation !== 'rotate_with_reuse_detection') return;
    it('refresh once when two customers share the account', async () => {
      const grant = await expired();
      const customerIds = ['north', 'south'];
      for (const customerId of customerIds) await rig.connect(grant.accountId, customerId);
      rig.sandbox.expireAccessTokens(grant.accountId);
      await expectOneRefresh(grant, { do: 'fetch', customerIds, callers, path });
    });
  });
});
