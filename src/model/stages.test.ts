import { describe, expect, it } from 'vitest';
import { sampleColumns } from '../../test/store/contract/contract-test.ts';
import {
  accountMayChange,
  keyMayBeReplaced,
  mayBeReminded,
  mayBeVerified,
  mayRollBack,
  stageAfterRollBack,
  parseConnection,
  whyNotInvited,
  type Connection,
} from './connection.ts';
import {
  attentionReasons,
  awaitsConsent,
  canMove,
  hasConsented,
  hasMoved,
  isInvited,
  isWatched,
  mayCutOver,
  mayRetire,
  stages,
  stagesWhere,
  type AttentionReason,
  type Stage,
} from './stages.ts';

/** The journey forward, the ways back, and the ways out of attention: nothing else exists. */
const allowed = new Set(
  [
    'imported → checked authorized attention',
    'checked → invited opened authorized imported attention',
    'invited → opened authorized checked imported attention',
    'opened → authorized checked imported attention',
    'authorized → verified checked attention',
    'verified → canary live authorized checked attention',
    'canary → live verified checked attention',
    'live → quiet verified checked attention',
    'quiet → retired live verified checked attention',
    'retired → attention',
    'attention → imported checked invited authorized verified live quiet retired',
  ].flatMap((line) => {
    const [from = '', targets = ''] = line.split(' → ');
    return targets.split(' ').map((to) => `${from} → ${to}`);
  }),
);
const pairs = stages.flatMap((from) => stages.map((to): [Stage, Stage] => [from, to]));

describe('the table of stages', () => {
  it.each(pairs)('says rightly whether %s → %s exists', (from, to) => {
    expect(canMove(from, to)).toBe(allowed.has(`${from} → ${to}`));
  });
});

/**
 * What each stage means, all of it: a stage that is missing here fails to compile, and a rule that
 * changes for one stage shows as one changed word.
 *
 * `wait` its consent is awaited, `given` it consented; `invite` it may be invited, `link` it holds
 * a link; `key` its key may be replaced; `account` its account may be replaced while it sends by
 * key; `remind` it may be reminded; `verify` its consent may be checked; `cutover`, `watch`,
 * `moved`, `retire`; `rollback` traffic on OAuth may go back to the key.
 */
const meanings: Record<Stage, string> = {
  imported: 'wait key account rollback',
  checked: 'wait invite key account rollback',
  invited: 'wait invite link key account remind rollback',
  opened: 'wait invite link key account remind rollback',
  authorized: 'given account verify rollback',
  verified: 'given account verify cutover rollback',
  canary: 'given verify cutover watch rollback',
  live: 'given verify watch moved retire rollback',
  quiet: 'given verify watch moved retire rollback',
  retired: 'given verify moved',
  // Here by a lost grant, from `live`.
  attention: 'wait invite account rollback',
};

function connectionAt(
  stage: Stage,
  route: 'key' | 'oauth',
  attentionReason: AttentionReason = 'grant_lost',
  attentionFrom: Stage = 'live',
): Connection {
  const columns = { ...sampleColumns('acme'), key: 'held', accountId: 'AAA111' } as const;
  return parseConnection({ ...columns, stage, route, attentionReason, attentionFrom });
}

function meaningOf(stage: Stage): string {
  const byKey = connectionAt(stage, 'key');
  const facts: Record<string, boolean> = {
    wait: awaitsConsent(byKey),
    given: hasConsented(byKey),
    invite: whyNotInvited(byKey) === undefined,
    link: isInvited(byKey),
    key: keyMayBeReplaced(byKey),
    account: accountMayChange(byKey),
    remind: mayBeReminded(byKey),
    verify: mayBeVerified(byKey),
    cutover: mayCutOver(byKey),
    watch: isWatched(byKey),
    moved: hasMoved(byKey),
    retire: mayRetire(byKey),
    rollback: mayRollBack(connectionAt(stage, 'oauth')),
  };
  return Object.keys(facts)
    .filter((fact) => facts[fact])
    .join(' ');
}

describe('what a stage means', () => {
  it.each(stages)('follows from the table: %s', (stage) => {
    expect(meaningOf(stage)).toBe(meanings[stage]);
  });

  it('answers questions to the store by the same rules', () => {
    expect(stagesWhere(isWatched)).toEqual(['canary', 'live', 'quiet']);
    expect(stagesWhere(isInvited)).toEqual(['invited', 'opened']);
    expect(stagesWhere(hasMoved)).toEqual(['live', 'quiet', 'retired']);
  });
});

describe('why a connection is not invited', () => {
  it.each([
    ['imported', 'its private key has not been checked: run `keyshift check`'],
    ['authorized', 'it has already consented'],
    ['retired', 'it has already consented'],
  ] as const)('is said in words: %s', (stage, words) => {
    expect(whyNotInvited(connectionAt(stage, 'key'))).toBe(words);
  });
});

describe('a reason for attention', () => {
  /** `remind`, `verify`, and where a rollback leads. */
  const meaningOfReason: Record<AttentionReason, string> = {
    key_invalid: 'checked',
    account_mismatch: 'remind checked',
    scope_missing: 'remind verify checked',
    consent_denied: 'checked',
    invitation_expired: 'checked',
    grant_lost: 'checked',
    oauth_errors: 'verify authorized',
  };

  it.each(attentionReasons)('decides what may be done: %s', (reason) => {
    const connection = connectionAt('attention', 'key', reason);
    const words = [
      ...(mayBeReminded(connection) ? ['remind'] : []),
      ...(mayBeVerified(connection) ? ['verify'] : []),
      stageAfterRollBack(connection),
    ];
    expect(words.join(' ')).toBe(meaningOfReason[reason]);
  });

  it.each(stages.filter((stage) => stage !== 'attention'))(
    'leaves the key to the stage before it: %s',
    (attentionFrom) => {
      const waiting = connectionAt('attention', 'key', 'grant_lost', attentionFrom);
      expect(keyMayBeReplaced(waiting)).toBe(meanings[attentionFrom].split(' ').includes('key'));
    },
  );
});
