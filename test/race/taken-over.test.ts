import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/runtime/clock.ts';
import { Secret } from '../../src/runtime/secret.ts';
import type { TokenOutcome } from '../../src/oauth/token-outcome.ts';
import type { Grant } from '../../src/model/grant.ts';
import { createSqliteDatabase } from '../support/databases.ts';
import { grantRejected } from '../support/engine-fixture.ts';
import { openEngineParts } from '../support/engine-process-parts.ts';
import { openEngineRig, testBudgets } from '../support/engine-process-rig.ts';
import { createShiftedClock, type ShiftedClock } from '../support/shifted-clock.ts';
import { createFakeOAuthClient, granted } from '../support/fake-oauth-client.ts';

const { httpMs, leaseMs } = testBudgets;

/** Two engines on one database, as of two processes, whose provider answers what the test says. */
async function openTwo() {
  const rig = await openEngineRig({ createDatabase: createSqliteDatabase });
  const grant = await rig.consent({
    expiresAtMs: systemClock.now() - 1,
    refreshToken: new Secret('refresh_token', 'r-1'),
  });
  const open = async () => {
    const clock = createShiftedClock();
    const oauth = createFakeOAuthClient(rig.setup.clientId);
    const parts = await openEngineParts(rig.setup, { clock, oauth });
    return { ...parts, clock, oauth, ask: () => parts.engine.liveGrant(grant) };
  };
  const [one, other] = [await open(), await open()];
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

/** Whoever waits on this clock has looked at the lease again. */
async function untilPolled(clock: ShiftedClock) {
  const before = clock.sleeps;
  await expect.poll(() => clock.sleeps, pollFor).toBeGreaterThan(before + 1);
}

const pollFor = { timeout: 60_000 };
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
    await expect.poll(() => one.oauth.spent, pollFor).toEqual(['r-1']);

    other.clock.pass(leaseMs + 1);
    const previous = answerLater();
    other.oauth.answerRefresh(() => {
      const [token] = other.oauth.spent.slice(-1);
      if (token === 'r-0') return previous.answer();
      return token === 'r-2' ? granted({ accessToken: 'a-3', refreshToken: 'r-3' }) : grantRejected;
    });
    const answer = other.ask();
    await expect.poll(() => other.oauth.spent, pollFor).toEqual(['r-1', 'r-0']);
    late.resolve(granted({ accessToken: 'a-2', refreshToken: 'r-2' }));
    await expect
      .poll(async () => (await rig.stored(grant)).previousRefreshToken?.reveal(), pollFor)
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
    const later = [answerLater(), answerLater()];
    one.oauth.answerRefresh(() => later[one.oauth.spent.length - 1]!.answer());
    const first = one.ask();
    await expect.poll(() => one.oauth.spent, pollFor).toEqual(['r-1']);
    const answers = [first, other.ask()];
    for (const [index, spent] of [['r-1'], ['r-1', 'r-0']].entries()) {
      await expect.poll(() => one.oauth.spent, pollFor).toEqual(spent);
      // Each answer within its budget, both together beyond the first lease.
      for (const { clock } of [one, other]) clock.pass(httpMs - 1_000);
      await untilPolled(other.clock);
      later[index]!.resolve(
        index === 0 ? grantRejected : granted({ accessToken: 'a-2', refreshToken: 'r-2' }),
      );
    }
    for (const answer of answers) expect(revealed(await answer)).toEqual(['a-2', 'r-2']);
    expect(one.oauth.spent).toEqual(['r-1', 'r-0']);
    expect(other.oauth.spent).toEqual([]);
  });

  it('tells of a grant that its late answer brings back, when another had to call it lost', async () => {
    await using bench = await openTwo();
    const { rig, grant, one, other } = bench;
    const late = answerLater();
    one.oauth.answerRefresh(late.answer);
    const answer = one.ask();
    await expect.poll(() => one.oauth.spent, pollFor).toEqual(['r-1']);
    for (const { clock } of [one, other]) clock.pass(leaseMs + 1);
    await expect(answer).rejects.toMatchObject({ code: 'upstream_timeout' });
    other.clock.pass(leaseMs + 1);
    other.oauth.answerRefresh(() => grantRejected);
    await expect(other.ask()).rejects.toMatchObject({ code: 'grant_lost' });
    expect(other.lost).toHaveLength(1);
    late.resolve(granted({ accessToken: 'a-2', refreshToken: 'r-2' }));
    await one.engine.drain();
    expect(await rig.stored(grant)).toMatchObject({ state: 'active', generation: 2 });
    expect(one.regained.map(({ id }) => id)).toEqual([grant.id]);
  });

  it('goes to the sweeper of a process whose caller was there first, and neither waits', async () => {
    await using bench = await openTwo();
    const { rig, grant, one } = bench;
    const nowMs = systemClock.now();
    const [claimed] = await one.store.grants.claimDue({
      ...{ clientId: grant.clientId, owner: 'sweeper', nowMs: nowMs + 24 * 3_600_000, limit: 1 },
      leaseExpiresAtMs: nowMs + 3_600_000,
    });
    const answer = one.ask();
    await untilPolled(one.clock);
    await one.engine.refreshClaimed(claimed!, 'sweeper');
    expect(await answer).toMatchObject({ generation: 2 });
    expect(one.oauth.spent).toEqual(['r-1']);
    expect(await rig.stored(grant)).toMatchObject({ generation: 2 });
  });
});
