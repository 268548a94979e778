import { describe, expect, it } from 'vitest';
import { createManualClock, type ManualClock } from '../../src/runtime/clock.ts';
import { isKeyshiftError } from '../../src/errors/keyshift-error.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import type { Grant } from '../../src/model/grant.ts';
import { defaultBudgets } from '../../src/tokens/refresh-policy.ts';
import { createSweeper } from '../../src/tokens/sweeper.ts';
import { createCollectingLogger } from '../support/collecting-logger.ts';
import { eachDatabase } from '../support/each-database.ts';
import { createSqliteDatabase } from '../support/databases.ts';
import { openEngineParts, type EngineParts } from '../support/engine-process-parts.ts';
import { openEngineRig, type EngineRig } from '../support/engine-process-rig.ts';

/** A turn of the event loop, which lets answers in. */
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

const token = { method: 'POST', path: '/oauth/token' };
const minuteMs = 60_000;
const refusal = {
  match: token,
  kind: 'status',
  status: 401,
  body: { error: 'invalid_client', error_description: 'no such client' },
} as const;

/** What a customer would notice if it changed. */
async function valuablesOf(rig: EngineRig, grant: Grant) {
  const row = await rig.row(grant);
  const columns = ['state', 'generation', 'access_token', 'refresh_token', 'refresh_index'];
  const more = ['previous_refresh_token', 'scope', 'expires_at', 'obtained_at', 'consented_at'];
  return [...columns, ...more].map((column) => row[column]);
}

/** Callers that come and go while the clock runs: some wait for a lease, some for the network. */
function createLoad({ engine, busy }: EngineParts, clock: ManualClock) {
  const answers = { served: 0, client_rejected: 0 };
  const asking = new Set<Promise<void>>();
  const load = {
    ask(grant: Grant) {
      const asked = engine.liveGrant(grant).then(
        () => void (answers.served += 1),
        (error: unknown) => {
          if (!isKeyshiftError(error, 'client_rejected')) throw error;
          answers.client_rejected += 1;
        },
      );
      asking.add(asked);
      void asked.finally(() => asking.delete(asked));
    },
    async passSecond() {
      // The network and the database take real time: the clock must not run away from them.
      for (let quiet = 0; quiet < 3; quiet = busy() > 0 ? 0 : quiet + 1) await nextTurn();
      await clock.advance(1_000);
    },
    async press(grants: readonly Grant[], seconds: number) {
      for (let second = 0; second < seconds; second += 1) {
        for (let index = 0; index < 5; index += 1) {
          load.ask(grants[(second + index * 7) % grants.length]!);
        }
        await load.passSecond();
      }
    },
    async settle() {
      while (asking.size > 0) await load.passSecond();
      return { ...answers };
    },
  };
  return load;
}

describe.each(eachDatabase)('client credentials that Klaviyo refuses, on $database', (db) => {
  it('touch no grant in ten minutes under load, ring once, and mend without a restart', async () => {
    const clock = createManualClock();
    const { logger, lines } = createCollectingLogger();
    const sandbox = { clock, rotation: 'rotate_with_reuse_detection' } as const;
    await using rig = await openEngineRig({
      ...{ createDatabase: db.create, sandbox, budgets: defaultBudgets, accounts: 30 },
    });
    await using parts = await openEngineParts(rig.setup, { clock, logger });
    const { engine } = parts;
    const grants: Grant[] = [];
    // One in three is expired from the start, the others run out in the course of the outage.
    for (let index = 0; index < 30; index += 1) {
      const leftMs = index % 3 === 0 ? -1 : (index / 30) * 12 * minuteMs;
      grants.push(await rig.consent({ expiresAtMs: clock.now() + leftMs }));
    }
    const before = await Promise.all(grants.map((grant) => valuablesOf(rig, grant)));
    const mend = rig.sandbox.addFault(refusal);
    const ending = new AbortController();
    const { clientId } = rig.setup;
    const sweeping = createSweeper({
      ...{ store: parts.store, tokens: engine, clientId, clock, logger },
      random: systemRandom,
    }).run(ending.signal);

    const load = createLoad(parts, clock);
    await load.press(grants, 600);
    const answers = await load.settle();

    expect(answers.served).toBeGreaterThan(500);
    expect(answers.client_rejected).toBeGreaterThan(500);
    expect(await Promise.all(grants.map((grant) => valuablesOf(rig, grant)))).toEqual(before);
    expect(parts.lost).toEqual([]);
    expect(lines.scrubbed.filter((line) => line.includes('"alarm"'))).toHaveLength(1);
    // One every half minute, and who was there before the first verdict: callers and one batch.
    expect(rig.sandbox.statistics().faults).toBeLessThanOrEqual(600 / 30 + 5 + 20);
    expect(rig.sandbox.statistics().faults).toBeGreaterThanOrEqual(600 / 30 - 2);

    mend();
    await load.press(grants, 60);
    const { served, client_rejected } = await load.settle();
    for (const grant of grants) load.ask(grant);
    expect(await load.settle()).toEqual({ client_rejected, served: served + grants.length });
    for (const grant of grants) {
      expect(await rig.stored(grant)).toMatchObject({ state: 'active', generation: 2 });
    }
    ending.abort();
    await load.passSecond();
    await sweeping;
  });
});

describe('the previous client secret', () => {
  it('is tried when the first is refused, and first from then on', async () => {
    await using rig = await openEngineRig({ createDatabase: createSqliteDatabase });
    const { clientSecret } = rig.setup;
    const clock = createManualClock();
    await using parts = await openEngineParts(
      { ...rig.setup, clientSecret: 'regenerated', previousClientSecret: clientSecret },
      { clock },
    );
    const expiresAtMs = clock.now() - 1;
    for (const generation of [2, 2, 2]) {
      const grant = await rig.consent({ expiresAtMs });
      expect(await parts.engine.liveGrant(grant)).toMatchObject({ generation });
    }
    expect(rig.sandbox.statistics().byOperation['oauth_refresh']).toEqual({ 401: 1, 200: 3 });
  });

  it('helps nobody when it is refused too: the grant stays, and the token is not spent', async () => {
    await using rig = await openEngineRig({
      createDatabase: createSqliteDatabase,
      sandbox: { rotation: 'rotate' },
    });
    const clock = createManualClock();
    const setup = { ...rig.setup, clientSecret: 'wrong', previousClientSecret: 'wrong-too' };
    await using parts = await openEngineParts(setup, { clock });
    const grant = await rig.consent({ expiresAtMs: clock.now() - 1 });
    const before = await valuablesOf(rig, grant);
    const answer = parts.engine.liveGrant(grant);
    await expect(answer).rejects.toMatchObject({ code: 'client_rejected' });
    expect(await valuablesOf(rig, grant)).toEqual(before);
    expect(rig.sandbox.statistics().byOperation['oauth_refresh']).toEqual({ 401: 2 });
  });
});
