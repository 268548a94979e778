import { describe, expect, it } from 'vitest';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import { createManualClock } from '../../runtime/clock.ts';
import { createCollectingLogger } from '../../../test/support/collecting-logger.ts';
import type { Authorization } from '../../model/authorization.ts';
import { ExchangeFailedError, type Consent } from './consent.ts';
import { tallyConsents } from './consent-tally.ts';

const good = { account: { accountId: 'AAA111' }, missingScopes: [] } as unknown as Consent;

function tally() {
  const outcomes: (Consent | Error)[] = [];
  const clock = createManualClock(0);
  const { logger, lines } = createCollectingLogger();
  const complete = () => {
    const next = outcomes.shift() ?? good;
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
  };
  const { counts, completeConsent } = tallyConsents(complete, { clock, logger });
  const run = async (...several: (Consent | Error)[]) => {
    outcomes.push(...several);
    for (const _ of several) {
      await completeConsent({} as Authorization, new URLSearchParams()).catch(() => undefined);
    }
  };
  const alarms = () => lines.scrubbed.filter((line) => line.includes('consents_failing'));
  return { counts, run, alarms, clock };
}

const refused = () => new ExchangeFailedError('client_refused', 'no');
const denied = () => new KeyshiftError('authorization_denied', 'no');

describe('consents that fail', () => {
  it('are counted by reason, beside those that went well', async () => {
    const { counts, run } = tally();
    const lacking = { ...good, missingScopes: ['lists:read'] };
    await run(good, refused(), denied(), lacking, { ...good, account: undefined }, new Error('?'));
    expect(Object.fromEntries(counts)).toEqual({
      completed: 1,
      client_refused: 1,
      authorization_denied: 1,
      scope_missing: 1,
      account_unverified: 1,
      internal: 1,
    });
  });

  it('raise one alarm after three of a kind, and another after ten minutes', async () => {
    const { run, alarms, clock } = tally();
    await run(refused(), refused());
    expect(alarms()).toEqual([]);
    await run(refused(), refused(), refused());
    expect(alarms()).toHaveLength(1);
    expect(alarms()[0]).toContain('client_refused');
    await clock.advance(600_000);
    await run(refused());
    expect(alarms()).toHaveLength(2);
  });

  it('raise none where others succeed in between, or where customers change their mind', async () => {
    const { run, alarms } = tally();
    await run(refused(), refused(), good, refused(), refused());
    await run(denied(), denied(), denied(), denied());
    expect(alarms()).toEqual([]);
  });
});
