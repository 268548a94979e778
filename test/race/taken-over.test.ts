import { describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '../../src/runtime/clock.ts';
import { Secret } from '../../src/runtime/secret.ts';
import type { TokenOutcome } from '../../src/oauth/token-outcome.ts';
import type { Grant } from '../../src/store/records.ts';
import { createSqliteDatabase } from '../support/databases.ts';
import { grantRejected } from '../support/engine-fixture.ts';
import { openEngineParts } from '../support/engine-process-parts.ts';
import { openEngineRig } from '../support/engine-process-rig.ts';
import { createFakeOAuthClient, granted } from '../support/fake-oauth-client.ts';

const budgets = { httpMs: 250, leaseMs: 400, waitMs: 10_000 };

/** For a process that stands still while an answer is on its way: its budget does not run out. */
const tirelessClock: Clock = {
  ...systemClock,
  sleep: (ms, signal) =>
    ms === budgets.httpMs ? new Promise(() => undefined) : systemClock.sleep(ms, signal),
};

/** Two engines on one database, as of two processes, whose provider answers what the test says. */
async function openTwo() {
  const rig = await openEngineRig({ createDatabase: createSqliteDatabase, budgets });
  const grant = await rig.consent({
    expiresAtMs: systemClock.now() - 1,
    refreshToken: new Secret('refresh_token', 'r-1'),
  });
  const open = async (clock: Clock) => {
    const oauth = createFakeOAuthClient(rig.setup.clientId);
    const parts = await openEngineParts(rig.setup, { clock, oauth });
    return { ...parts, oauth, ask: () => parts.engine.liveGrant(grant) };
  };
  const [one, other] = [await open(tirelessClock), await open(systemClock)];
  return {
    ...{ rig, grant, one, other },
    async [Symbol.asyncDispose]() {
      for (const each of [one, other, rig]) await each[Symbol.asyncDispose]();
    },
  };
}

/** An answer that comes when the test says so. */
function answerLater() {
  const { promise, resolve } = Promise.withResolvers<TokenOutcome>();
  return { answer: () => promise, resolve };
}

const revealed = ({ accessToken, refreshToken }: Grant) => [
  accessToken.reveal(),
  refreshToken.reveal(),
];

describe('a lease that passes on', () => {
  it('finds a token that a late holder left while its predecessor was being tried', async () => {
    await using bench = await openTwo();
    const { rig, grant, one, other } = bench;
    // A grant that was refreshed before: the one before its refresh token is kept beside it.
    await rig.store.grants.keepForRecovery(grant.id, 1, new Secret('refresh_token', 'r-0'));
    const late = answerLater();
    one.oauth.answerRefresh(late.answer);
    const lateAnswer = one.ask();
    await expect.poll(() => one.oauth.spent).toEqual(['r-1']);

    const previous = answerLater();
    other.oauth.answerRefresh(() => {
      const [token] = other.oauth.spent.slice(-1);
      if (token === 'r-0') return previous.answer();
      return token === 'r-2' ? granted({ accessToken: 'a-3', refreshToken: 'r-3' }) : grantRejected;
    });
    const answer = other.ask();
    await expect.poll(() => other.oauth.spent, { timeout: 5_000 }).toEqual(['r-1', 'r-0']);
    late.resolve(granted({ accessToken: 'a-2', refreshToken: 'r-2' }));
    await expect
      .poll(async () => (await rig.stored(grant)).previousRefreshToken?.reveal())
      .toBe('r-2');
    previous.resolve(grantRejected);

    expect(revealed(await answer)).toEqual(['a-3', 'r-3']);
    expect(other.lost).toEqual([]);
    expect(revealed(await lateAnswer)).toEqual(['a-3', 'r-3']);
    expect(await rig.stored(grant)).toMatchObject({ state: 'active', generation: 2 });
  });

  it('is not taken from a holder whose recovery lasts longer than one lease', async () => {
    await using bench = await openTwo();
    const { rig, grant, one, other } = bench;
    await rig.store.grants.keepForRecovery(grant.id, 1, new Secret('refresh_token', 'r-0'));
    one.oauth.answerRefresh(async () => {
      await systemClock.sleep(220);
      return one.oauth.spent.length === 1
        ? grantRejected
        : granted({ accessToken: 'a-2', refreshToken: 'r-2' });
    });
    const answers = [one.ask(), other.ask()];
    for (const answer of answers) expect(revealed(await answer)).toEqual(['a-2', 'r-2']);
    expect(one.oauth.spent).toEqual(['r-1', 'r-0']);
    expect(other.oauth.spent).toEqual([]);
  });

  it('goes to the sweeper of a process whose caller was there first, and neither waits', async () => {
    await using bench = await openTwo();
    const { rig, grant, one } = bench;
    const nowMs = systemClock.now();
    const [claimed] = await one.store.grants.claimDue({
      ...{ clientId: grant.clientId, owner: 'sweeper', nowMs: nowMs + 24 * 3_600_000, limit: 1 },
      leaseExpiresAtMs: nowMs + 5_000,
    });
    const answer = one.ask();
    await systemClock.sleep(100);
    await one.engine.refreshClaimed(claimed!, 'sweeper');
    expect(await answer).toMatchObject({ generation: 2 });
    expect(systemClock.now() - nowMs).toBeLessThan(2_000);
    expect(one.oauth.spent).toEqual(['r-1']);
    expect(await rig.stored(grant)).toMatchObject({ generation: 2 });
  });
});
