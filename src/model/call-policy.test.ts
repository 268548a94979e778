import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../errors/error-table.ts';
import {
  answerClass,
  fallBackReason,
  newCall,
  next,
  type CallAction,
  type CallEvent,
  type CallFacts,
  type CallState,
} from './call-policy.ts';
import type { SentRoute } from './route-policy.ts';

const atMs = 1_800_000_000_000;
const moment = { atMs, fraction: 0 };

/** A read that may go out by key, with a minute to spare. */
const read: CallFacts = {
  repeatable: true,
  idempotent: true,
  mayRenew: true,
  mayFallBack: true,
  attempts: 4,
  patientUntilMs: atMs + 60_000,
  longestPauseMs: 300_000,
  firstPauseMs: 250,
};
/** A write that may go out by key: sending it twice would do it twice. */
const write: CallFacts = { ...read, idempotent: false };
/** An event: never by key. */
const event: CallFacts = { ...write, mayFallBack: false };
/** A token of somebody else's. */
const foreign: CallFacts = { ...read, mayRenew: false, mayFallBack: false };
/** A write whose body is a stream. */
const stream: CallFacts = { ...write, repeatable: false };

const answered = (route: SentRoute, status: number, retryAfterSec?: number): CallEvent => ({
  ...{ kind: 'status', route, status, edge: false, retryAfterSec },
  ...moment,
});
const page = (route: SentRoute, status: number): CallEvent => ({
  ...{ kind: 'status', route, status, edge: true, retryAfterSec: undefined },
  ...moment,
});
const refused = (code: ErrorCode | undefined): CallEvent => ({ kind: 'refused', code });
const unsent: CallEvent = { kind: 'unsent', ...moment };
const broken: CallEvent = { kind: 'broken', ...moment };
const mistake: CallEvent = { kind: 'mistake' };

const renewed: CallState = { ...newCall, renewed: true };
const fellBack: CallState = { ...newCall, fellBack: true };
const tried = (failures: number): CallState => ({ ...newCall, failures });

/** An action in one word or a few, as the table below has it. */
function inWords(action: CallAction): string {
  switch (action.do) {
    case 'answer':
      return action.renew ? 'answer, and renew' : 'answer';
    case 'fall_back':
      return `fall back, else ${action.otherwise}`;
    case 'pause':
      return `pause ${action.ms}`;
    default:
      return action.do;
  }
}

type Row = readonly [what: string, CallFacts, CallState, CallEvent, action: string];

/** What the proxy and the library do: this table is the specification of both. */
const table: Record<string, readonly Row[]> = {
  'an answer that is no refusal and no outage': [
    ['200', read, newCall, answered('oauth', 200), 'answer'],
    ['304', read, newCall, answered('key', 304), 'answer'],
    ['400', read, newCall, answered('oauth', 400), 'answer'],
    ['404', read, newCall, answered('key', 404), 'answer'],
    ['409 for a write', write, newCall, answered('oauth', 409), 'answer'],
    ['501: there is no such thing, ever', read, newCall, answered('oauth', 501), 'answer'],
  ],
  '401 for an access token': [
    ['the first', read, newCall, answered('oauth', 401), 'renew'],
    ['the first, for a write', write, newCall, answered('oauth', 401), 'renew'],
    ['the first, for an event', event, newCall, answered('oauth', 401), 'renew'],
    ['the first, after outages', read, tried(3), answered('oauth', 401), 'renew'],
    ['a stream is sent once', stream, newCall, answered('oauth', 401), 'answer, and renew'],
    ['of a token that nobody can renew', foreign, newCall, answered('oauth', 401), 'answer'],
    ['the second', read, renewed, answered('oauth', 401), 'fall back, else answer'],
    ['the second, for an event', event, renewed, answered('oauth', 401), 'answer'],
    ['the second, for a stream', stream, renewed, answered('oauth', 401), 'answer'],
    [
      'after the one fall-back',
      read,
      { ...renewed, fellBack: true },
      answered('oauth', 401),
      'answer',
    ],
    ['a page of the edge: an outage', read, newCall, page('oauth', 401), 'pause 250'],
  ],
  '403 for an access token': [
    ['the first', read, newCall, answered('oauth', 403), 'fall back, else answer'],
    [
      'for a write: nothing was applied',
      write,
      newCall,
      answered('oauth', 403),
      'fall back, else answer',
    ],
    ['after a renewal', read, renewed, answered('oauth', 403), 'fall back, else answer'],
    ['for an event', event, newCall, answered('oauth', 403), 'answer'],
    ['for a stream', stream, newCall, answered('oauth', 403), 'answer'],
    ['a page of the edge, for a write', write, newCall, page('oauth', 403), 'answer'],
  ],
  'no token to be had': [
    ['the grant is lost', read, newCall, refused('grant_lost'), 'fall back, else fail'],
    ['a fresh token is refused', read, renewed, refused('token_refused'), 'fall back, else fail'],
    [
      'for a stream, which is there still',
      stream,
      newCall,
      refused('grant_lost'),
      'fall back, else fail',
    ],
    ['for an event', event, newCall, refused('grant_lost'), 'fail'],
    ['after the one fall-back', read, fellBack, refused('grant_lost'), 'fail'],
    ['no grant was ever there', read, newCall, refused('grant_not_found'), 'fail'],
    ['Klaviyo gave no verdict', read, newCall, refused('upstream_unavailable'), 'fail'],
    ['the app is refused', read, renewed, refused('client_rejected'), 'fail'],
    ['something else broke', read, newCall, refused(undefined), 'fail'],
  ],
  'a refusal of the key': [
    ['401: a key has no successor', read, newCall, answered('key', 401), 'answer'],
    ['403', read, newCall, answered('key', 403), 'answer'],
    ['after a fall-back', read, fellBack, answered('key', 401), 'answer'],
  ],
  '429, in place of which Klaviyo takes no call': [
    ['for a read', read, newCall, answered('oauth', 429, 7), 'pause 7000'],
    ['for a write', write, newCall, answered('key', 429, 7), 'pause 7000'],
    ['for an event', event, newCall, answered('oauth', 429, 7), 'pause 7000'],
    ['for a stream', stream, newCall, answered('key', 429, 7), 'answer'],
    ['without Retry-After', write, newCall, answered('oauth', 429), 'pause 250'],
    ['with Retry-After: 0', write, tried(1), answered('oauth', 429, 0), 'pause 500'],
    ['longer than the caller waits', read, newCall, answered('oauth', 429, 61), 'answer'],
    [
      'longer than anybody waits',
      { ...read, patientUntilMs: Infinity },
      newCall,
      answered('oauth', 429, 301),
      'answer',
    ],
    ['at the last attempt', read, tried(3), answered('oauth', 429, 1), 'answer'],
  ],
  'an outage': [
    ...[408, 425, 500, 502, 503, 504, 524].flatMap((status): Row[] => [
      [`${status} for a read`, read, newCall, answered('oauth', status), 'pause 250'],
      [`${status} for a write`, write, newCall, answered('oauth', status), 'answer'],
    ]),
    ['503 with Retry-After for a read', read, newCall, answered('key', 503, 5), 'pause 5000'],
    ['503 with Retry-After for a write', write, newCall, answered('key', 503, 5), 'answer'],
    ['a page of the edge for a read', read, newCall, page('key', 403), 'pause 250'],
    ['the second', read, tried(1), answered('key', 503), 'pause 500'],
    ['the third', read, tried(2), answered('key', 503), 'pause 1000'],
    ['the fourth', read, tried(3), answered('key', 503), 'answer'],
    ['after a fall-back, which stays', read, fellBack, answered('key', 503), 'pause 250'],
  ],
  'a connection that fails': [
    ['before a byte was sent, for a read', read, newCall, unsent, 'pause 250'],
    ['before a byte was sent, for a write', write, newCall, unsent, 'pause 250'],
    ['before a byte was sent, for a stream', stream, newCall, unsent, 'fail'],
    ['after that, for a read', read, newCall, broken, 'pause 250'],
    ['after that, for a write', write, newCall, broken, 'fail'],
    ['at the last attempt', read, tried(3), broken, 'fail'],
    ['when the caller waits no longer', { ...read, patientUntilMs: atMs }, newCall, broken, 'fail'],
  ],
  'a call that cannot be sent': [['is not tried again', read, newCall, mistake, 'fail']],
};

describe.each(Object.entries(table))('%s', (_title, rows) => {
  it.each(rows)('%s', (_what, facts, state, happened, expected) => {
    const [action] = next(facts, state, happened);
    expect(inWords(action)).toBe(expected);
  });
});

const anyFacts: fc.Arbitrary<CallFacts> = fc.record({
  repeatable: fc.boolean(),
  idempotent: fc.boolean(),
  mayRenew: fc.boolean(),
  mayFallBack: fc.boolean(),
  attempts: fc.integer({ min: 1, max: 5 }),
  patientUntilMs: fc.constantFrom(atMs, atMs + 60_000, Infinity),
  longestPauseMs: fc.constantFrom(60_000, 300_000),
  firstPauseMs: fc.constantFrom(250, 1_000),
});
const anyMoment = { atMs: fc.constant(atMs), fraction: fc.constantFrom(0, 0.5, 0.99) };
const anyEvent: fc.Arbitrary<CallEvent> = fc.oneof(
  fc.record({
    ...anyMoment,
    kind: fc.constant('status' as const),
    route: fc.constantFrom('key' as const, 'oauth' as const),
    status: fc.constantFrom(200, 400, 401, 403, 404, 429, 500, 503),
    edge: fc.boolean(),
    retryAfterSec: fc.constantFrom(undefined, 0, 1, 400),
  }),
  fc.record({ ...anyMoment, kind: fc.constantFrom('unsent' as const, 'broken' as const) }),
  fc.record({
    kind: fc.constant('refused' as const),
    code: fc.constantFrom('grant_lost' as const, 'token_refused' as const, undefined),
  }),
);

describe('whatever happens to a call', () => {
  it('it comes to an end, renews once and falls back once', () => {
    fc.assert(
      fc.property(
        anyFacts,
        fc.array(anyEvent, { minLength: 12, maxLength: 12 }),
        (facts, events) => {
          let state = newCall;
          const done: CallAction['do'][] = [];
          for (const happened of events) {
            const [action, after] = next(facts, state, happened);
            done.push(action.do);
            state = after;
            if (action.do === 'answer' || action.do === 'fail') break;
          }
          const count = (what: CallAction['do']) => done.filter((each) => each === what).length;
          expect(['answer', 'fail']).toContain(done.at(-1));
          expect(count('renew')).toBeLessThanOrEqual(1);
          expect(count('fall_back')).toBeLessThanOrEqual(1);
          expect(count('pause')).toBeLessThan(facts.attempts);
        },
      ),
    );
  });

  it('a body that is gone is never sent again', () => {
    fc.assert(
      fc.property(anyFacts, anyEvent, (facts, happened) => {
        fc.pre(happened.kind !== 'refused');
        const [action] = next({ ...facts, repeatable: false }, newCall, happened);
        expect(['answer', 'fail']).toContain(action.do);
      }),
    );
  });

  it('no state is changed in place', () => {
    fc.assert(
      fc.property(anyFacts, anyEvent, (facts, happened) => {
        const state = Object.freeze({ ...newCall });
        next(facts, state, happened);
        expect(state).toEqual(newCall);
      }),
    );
  });
});

describe('the reason of a fall-back', () => {
  it.each<[string, CallState, CallEvent, string]>([
    ['an answer, by its class', newCall, answered('oauth', 403), '403 permission_denied'],
    ['a lost grant', newCall, refused('grant_lost'), 'grant_lost'],
    ['a renewal that was refused', renewed, refused('token_refused'), '401, then token_refused'],
  ])('names %s', (_what, state, happened, reason) => {
    expect(fallBackReason(state, happened, '403 permission_denied')).toBe(reason);
  });
});

describe('the class of an answer', () => {
  const body = (code: string) => JSON.stringify({ errors: [{ code }] });

  it.each<[string, number, boolean, string | undefined, string]>([
    ['with Klaviyo’s code', 403, false, body('permission_denied'), '403 permission_denied'],
    ['without a body', 503, false, undefined, '503'],
    ['of the edge, whatever it says', 403, true, body('permission_denied'), '403 edge'],
    ['with a code that is none', 400, false, body('<script>'), '400'],
    ['that is no JSON', 502, false, 'Bad gateway', '502'],
  ])('%s', (_what, status, edge, text, expected) => {
    expect(answerClass(status, edge, text)).toBe(expected);
  });
});
