import type { ErrorCode } from '../errors/error-table.ts';
import { parseApiError } from '../klaviyo/api-error.ts';
import { mayRetry, retryPauseMs } from './retry-policy.ts';
import type { SentRoute } from './route-policy.ts';

/** What a call is, as far as its course depends on it. */
export interface CallFacts {
  /** Whether there is still a body to send after one attempt. */
  readonly repeatable: boolean;
  /** Whether sending the call twice has the effect of sending it once. */
  readonly idempotent: boolean;
  /** Whether a newer token can be asked for. */
  readonly mayRenew: boolean;
  /** Whether the key may do where the grant is refused: never for what records events. */
  readonly mayFallBack: boolean;
  /** Attempts in all. Those with another credential, after a renewal or a fall-back, are not counted. */
  readonly attempts: number;
  /** A pause that ends later is the caller's to make. */
  readonly patientUntilMs: number;
  /** What asks for a longer pause is given to the caller, also to one without a deadline. */
  readonly longestPauseMs: number;
  /** The first pause where Klaviyo asks for none; the others double it. */
  readonly firstPauseMs: number;
}

/** What has become of a call so far. A value: nothing changes it. */
export interface CallState {
  /** Attempts that count and led to nothing. */
  readonly failures: number;
  /** Whether a newer token was asked for, which is done once. */
  readonly renewed: boolean;
  /** Whether the key was tried in place of the grant, which is done once and stays. */
  readonly fellBack: boolean;
}

/** The state of a call that was not sent yet. */
export const newCall: CallState = { failures: 0, renewed: false, fellBack: false };

/** When something happened, and a number in [0, 1) that spreads pauses. */
interface Moment {
  readonly atMs: number;
  readonly fraction: number;
}

/** What can happen to a call. */
export type CallEvent =
  /** No credential could be had, with the code of the error that said so. */
  | { readonly kind: 'refused'; readonly code: ErrorCode | undefined }
  /** An answer came. `edge`: a page of the network in front of Klaviyo, no word of its API. */
  | (Moment & {
      readonly kind: 'status';
      readonly route: SentRoute;
      readonly status: number;
      readonly edge: boolean;
      readonly retryAfterSec: number | undefined;
    })
  /** Nothing was sent (`unsent`), or no answer came and the call may have been applied (`broken`). */
  | (Moment & { readonly kind: 'unsent' | 'broken' })
  /** The call itself is at fault, so that no attempt helps. */
  | { readonly kind: 'mistake' };

/** What is to be done next. */
export type CallAction =
  /** Give the answer out; `renew`: have the token renewed all the same, for the next call. */
  | { readonly do: 'answer'; readonly renew: boolean }
  /** Throw what went wrong. */
  | { readonly do: 'fail' }
  /**
   * Get a newer token and send again. An answer that leads to one is no refusal of the grant: the
   * token had ended early and has a successor. Where there is none, the call is `refused`.
   */
  | { readonly do: 'renew' }
  /** Send with the key from now on; without one, give the answer out or throw. */
  | { readonly do: 'fall_back'; readonly otherwise: 'answer' | 'fail' }
  /** Wait, then send again with whatever credential is right by then. */
  | { readonly do: 'pause'; readonly ms: number };

type Step = readonly [CallAction, CallState];

const answer: CallAction = { do: 'answer', renew: false };
const answerAndRenew: CallAction = { do: 'answer', renew: true };
const fail: CallAction = { do: 'fail' };
const renew: CallAction = { do: 'renew' };

/** Klaviyo's refusals of a grant as such. */
const grantRefusals: ReadonlySet<ErrorCode | undefined> = new Set(['grant_lost', 'token_refused']);

/**
 * The one rule for what a call to Klaviyo does next, for the proxy and the library alike:
 *
 * - 401 for a token: one newer token, one more attempt. A second 401 stands, or falls back.
 * - 401 after that, 403, or no token to be had: once to the key, where the call may go by it.
 * - 429, outages and broken connections: a pause and another attempt, as {@link mayRetry} says.
 * - Everything else is given to the caller.
 */
export function next(facts: CallFacts, state: CallState, event: CallEvent): Step {
  switch (event.kind) {
    case 'refused': {
      // Nothing is on the wire, so that the body is there still, whatever it is.
      const falls = grantRefusals.has(event.code) && facts.mayFallBack && !state.fellBack;
      return falls ? [{ do: 'fall_back', otherwise: 'fail' }, fallen(state)] : [fail, state];
    }
    case 'mistake':
      return [fail, state];
    case 'unsent':
    case 'broken': {
      const pauseMs = pauseBefore(facts, state, event, undefined);
      return pauseMs === undefined ? [fail, state] : paused(state, pauseMs);
    }
    case 'status': {
      if (event.route === 'oauth' && refuses(event))
        return afterRefusal(facts, state, event.status);
      const pauseMs = pauseBefore(facts, state, event, event.retryAfterSec);
      return pauseMs === undefined ? [answer, state] : paused(state, pauseMs);
    }
    default:
      return event satisfies never;
  }
}

/** Klaviyo's API refused a token, or its scopes: nothing was applied. */
function afterRefusal(facts: CallFacts, state: CallState, status: number): Step {
  if (status === 401 && facts.mayRenew && !state.renewed) {
    const renewed = { ...state, renewed: true };
    return [facts.repeatable ? renew : answerAndRenew, renewed];
  }
  const falls = facts.repeatable && facts.mayFallBack && !state.fellBack;
  return falls ? [{ do: 'fall_back', otherwise: 'answer' }, fallen(state)] : [answer, state];
}

/** Milliseconds before another attempt; undefined when there is to be none. */
function pauseBefore(
  facts: CallFacts,
  state: CallState,
  event: Extract<CallEvent, Moment>,
  retryAfterSec: number | undefined,
): number | undefined {
  const failures = state.failures + 1;
  if (!facts.repeatable || failures >= facts.attempts) return undefined;
  if (!mayRetry(event, facts.idempotent)) return undefined;
  if ((retryAfterSec ?? 0) * 1000 > facts.longestPauseMs) return undefined;
  const pauseMs = retryPauseMs(failures, retryAfterSec, event.fraction, facts.firstPauseMs);
  return event.atMs + pauseMs > facts.patientUntilMs ? undefined : pauseMs;
}

function paused(state: CallState, ms: number): Step {
  return [
    { do: 'pause', ms },
    { ...state, failures: state.failures + 1 },
  ];
}

function fallen(state: CallState): CallState {
  return { ...state, fellBack: true };
}

/** Whether an answer is the API's own 401 or 403. A page of the edge says nothing about a credential. */
function refuses({ status, edge }: { readonly status: number; readonly edge: boolean }): boolean {
  return !edge && (status === 401 || status === 403);
}

/** Whether the edge answered in Klaviyo's place: with a page, or a challenge. */
export function isFromEdge(
  status: number,
  contentType: string | null | undefined,
  mitigated: boolean,
): boolean {
  if (status >= 200 && status < 300) return false;
  return mitigated || contentType?.startsWith('text/html') === true;
}

/** A status with Klaviyo's code where the body holds one, as counts and reasons name it; never a body. */
export function answerClass(status: number, edge: boolean, body: string | undefined): string {
  if (edge) return `${status} edge`;
  const code = body === undefined ? undefined : parseApiError(body)?.code;
  return code !== undefined && /^[a-z_]{1,40}$/.test(code) ? `${status} ${code}` : `${status}`;
}

/**
 * Why a call falls back, as it is counted and written down: `403 permission_denied`, `grant_lost`,
 * or `401, then token_refused`.
 *
 * @param state before the event
 * @param answered the class of the answer, for an event that is one
 */
export function fallBackReason(state: CallState, event: CallEvent, answered: string): string {
  if (event.kind !== 'refused') return answered;
  return state.renewed ? `401, then ${event.code}` : `${event.code}`;
}
