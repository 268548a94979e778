import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { ErrorCode } from '../errors/error-table.ts';
import { isKeyshiftError, isKind, KeyshiftError } from '../errors/keyshift-error.ts';
import {
  answerClass,
  fallBackReason,
  newCall,
  next,
  type CallEvent,
  type CallFacts,
  type CallState,
} from '../model/call-policy.ts';
import { firstPauseMs, longestRetryAfterSec } from '../model/retry-policy.ts';
import { recordsEvents, type RoutedCall } from '../model/route-policy.ts';
import type { Clock } from '../runtime/clock.ts';
import { faultOf, toKeyshiftError, type SendFault } from '../runtime/http-client.ts';
import type { Random } from '../runtime/random.ts';
import { parseRetryAfterSec } from '../runtime/retry-after.ts';
import type { KeyCredential, OAuthCredential, SentCredential } from './credentials.ts';

/** A call to Klaviyo's API as it goes out, apart from its credential. */
export interface OutgoingCall extends RoutedCall {
  readonly body: string | Uint8Array | Readable | null;
  /** Names and values in turn; the credential is not among them. */
  readonly sentHeaders: readonly string[];
  /** Whether there is still a body to send after one attempt. */
  readonly repeatable: boolean;
  readonly idempotent: boolean;
  /** Nothing is waited for that ends later. */
  readonly patientUntilMs: number;
  /** 4 attempts, pauses from a quarter of a second up to five minutes, unless the call says else. */
  readonly limits?: Partial<Pick<CallFacts, 'attempts' | 'firstPauseMs' | 'longestPauseMs'>>;
}

/** Whoever waits for a call: goes away, or has no more time. */
export interface Waiter {
  /** Ends waits. Asked for only where there is one to end. */
  readonly signal: AbortSignal | undefined;
  /** @throws the reason when nobody waits any longer */
  throwIfGone(): void;
  /** Waits for work that knows no signal. */
  within<Result>(work: Promise<Result>): Promise<Result>;
}

/** Gives the credentials of a call. */
export interface CredentialSource {
  /** The credential to send with now. Asked before every attempt: the route may have changed. */
  pick(call: RoutedCall, waiter: Waiter): Promise<SentCredential>;
  /** Has a refused token replaced, so that the next pick is its successor. */
  renew?(refused: OAuthCredential, waiter: Waiter): Promise<unknown>;
  /** The key to send with after a refusal of the grant; whoever gets one sends the call. */
  fallBack?(call: RoutedCall, reason: () => Promise<string>): Promise<KeyCredential | undefined>;
  /** Learns what came of an attempt. */
  record?(call: RoutedCall, attempt: RecordedAttempt): void;
}

/** What came of one attempt, for the counts. */
export interface RecordedAttempt {
  readonly credential: SentCredential;
  /** `undefined` when no answer came. */
  readonly status: number | undefined;
  readonly edge: boolean;
  readonly tookMs: number;
  /** The class of the error, never a body. */
  readonly error: string | undefined;
}

/** Holds calls back, for Klaviyo's limits and for a free connection. */
export interface Gate {
  /**
   * Milliseconds until a call may go; at 0 it goes.
   *
   * @throws KeyshiftError `upstream_throttled` when the call may not wait so long
   */
  waitMs(call: OutgoingCall, credential: SentCredential): number;
  /** Learns what an answer says about Klaviyo's limits. */
  learn(call: OutgoingCall, credential: SentCredential, head: AnswerHead): void;
  /**
   * A place among the connections, where they are counted: nothing when there is one now.
   *
   * @throws KeyshiftError `proxy_busy` when there is none in time; or the reason of the waiter
   */
  enter?(call: OutgoingCall, waiter: Waiter): Promise<void> | undefined;
  leave?(): void;
}

/** The head of an answer. */
export interface AnswerHead {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Whether the edge answered in Klaviyo's place. */
  readonly edge: boolean;
  /** Milliseconds from sending to the head. */
  readonly tookMs: number;
}

/** One attempt as it goes out. */
export interface SentRequest {
  readonly path: string;
  readonly method: string;
  /** Names and values in turn. */
  readonly headers: string[];
  readonly body: OutgoingCall['body'];
  readonly credential: SentCredential;
}

/** What came of sending once. */
export type Outcome<Answer> =
  | {
      readonly kind: 'answered';
      readonly head: AnswerHead;
      readonly answer: Answer;
      /** The body, where it was read to see what it says. */
      readonly held?: Buffer | undefined;
      /** Why the answer ended early after it was given out. */
      readonly brokeOff?: string;
    }
  | { readonly kind: SendFault; readonly error: Error; readonly tookMs: number };

/** The outcome that a failure of the transport makes. */
export function failedBy(cause: Error, url: string, tookMs: number): Outcome<never> {
  if (isKeyshiftError(cause) && !isKind(cause, 'upstream')) {
    return { kind: 'mistake', error: cause, tookMs };
  }
  const kind = faultOf(isKeyshiftError(cause) ? (cause.cause ?? cause) : cause);
  const error =
    kind === 'mistake'
      ? new KeyshiftError('request_invalid', `The call cannot be sent: ${cause.message}.`, {
          cause,
        })
      : toKeyshiftError(cause, url);
  return { kind, error, tookMs };
}

/** Sends requests: the face of a call decides what an answer is. */
export interface Transport<Answer> {
  /** @param holds whether an answer may lead to another attempt, so that the caller must not see it */
  send(request: SentRequest, holds: (head: AnswerHead) => boolean): Promise<Outcome<Answer>>;
  /** The beginning of the body of an answer that is let go next. */
  readText?(answer: Answer): Promise<string | undefined>;
  /** Frees the connection of an answer that nobody gets. */
  letGo?(answer: Answer): Promise<void>;
}

/** What a call is made with. */
export interface CallMeans<Answer> {
  readonly source: CredentialSource;
  readonly gate: Gate;
  readonly transport: Transport<Answer>;
  readonly waiter: Waiter;
  readonly clock: Clock;
  readonly random: Random;
}

interface Attempt<Answer> {
  readonly event: CallEvent;
  /** Absent where none could be had. */
  readonly credential?: SentCredential;
  readonly outcome?: Outcome<Answer>;
  readonly error?: unknown;
}

/**
 * Makes a call: does what {@link next} says until there is an answer to give out. The one place
 * where calls to Klaviyo's API get their credential, their pauses and their further attempts.
 *
 * @throws KeyshiftError what picking a credential throws, `request_invalid`, `upstream_*`; or the
 * reason of the waiter
 */
export async function drive<Answer>(call: OutgoingCall, means: CallMeans<Answer>): Promise<Answer> {
  const { source, transport, waiter, clock } = means;
  const facts = factsOf(call, source);
  let state = newCall;
  let key: KeyCredential | undefined;
  let attempt = await attemptOnce(call, means, facts, state, key);
  for (;;) {
    const { event, outcome } = attempt;
    const before = state;
    const [action, after] = next(facts, before, event);
    state = after;
    // A token that ended early and has a successor is no refusal of the grant.
    if (action.do !== 'renew') record(call, means, attempt);
    switch (action.do) {
      case 'answer':
        if (action.renew) await renew(means, attempt).catch(() => undefined);
        return answerOf(attempt);
      case 'fail':
        throw attempt.error;
      case 'renew':
        await letGo(transport, outcome);
        try {
          await renew(means, attempt);
        } catch (error) {
          record(call, means, attempt);
          attempt = refusedBy(error);
          continue;
        }
        break;
      case 'fall_back': {
        const reason = async () => fallBackReason(before, event, await classOf(transport, outcome));
        key = await waiter.within(source.fallBack?.(call, reason) ?? Promise.resolve(undefined));
        if (!key && action.otherwise === 'fail') throw attempt.error;
        if (!key) return answerOf(attempt);
        await letGo(transport, outcome);
        break;
      }
      case 'pause':
        await letGo(transport, outcome);
        await clock.sleep(action.ms, waiter.signal);
        break;
      default:
        return action satisfies never;
    }
    attempt = await attemptOnce(call, means, facts, state, key);
  }
}

function factsOf(call: OutgoingCall, source: CredentialSource): CallFacts {
  const { repeatable, idempotent, patientUntilMs, limits } = call;
  return {
    repeatable,
    idempotent,
    mayRenew: source.renew !== undefined,
    mayFallBack: source.fallBack !== undefined && !recordsEvents(call),
    patientUntilMs,
    attempts: limits?.attempts ?? 4,
    firstPauseMs: limits?.firstPauseMs ?? firstPauseMs,
    longestPauseMs: limits?.longestPauseMs ?? longestRetryAfterSec * 1000,
  };
}

/** Picks a credential, waits for its turn and sends once. */
async function attemptOnce<Answer>(
  call: OutgoingCall,
  means: CallMeans<Answer>,
  facts: CallFacts,
  state: CallState,
  key: KeyCredential | undefined,
): Promise<Attempt<Answer>> {
  const { gate, transport, waiter } = means;
  let credential: SentCredential;
  try {
    credential = await takeTurn(call, means, key);
  } catch (error) {
    return refusedBy(error);
  }
  const eventOf = (head: AnswerHead) => toEvent(head, credential, means);
  let outcome: Outcome<Answer>;
  try {
    outcome = await transport.send(
      toRequest(call, credential),
      (head) => next(facts, state, eventOf(head))[0].do !== 'answer',
    );
  } finally {
    gate.leave?.();
  }
  if (outcome.kind === 'answered') {
    gate.learn(call, credential, outcome.head);
    return { event: eventOf(outcome.head), credential, outcome };
  }
  waiter.throwIfGone();
  const { kind, error } = outcome;
  const event: CallEvent = kind === 'mistake' ? { kind } : { kind, ...momentOf(means) };
  return { event, credential, outcome, error };
}

/** The credential to send with, picked as late as can be. */
async function takeTurn<Answer>(
  call: OutgoingCall,
  { source, gate, waiter, clock }: CallMeans<Answer>,
  key: KeyCredential | undefined,
): Promise<SentCredential> {
  for (;;) {
    waiter.throwIfGone();
    const credential = key ?? (await waiter.within(source.pick(call, waiter)));
    waiter.throwIfGone();
    const waitMs = gate.waitMs(call, credential);
    if (waitMs > 0) {
      await clock.sleep(waitMs, waiter.signal);
      continue;
    }
    const place = gate.enter?.(call, waiter);
    if (!place) return credential;
    await place;
    try {
      waiter.throwIfGone();
      return key ?? (await waiter.within(source.pick(call, waiter)));
    } catch (error) {
      gate.leave?.();
      throw error;
    }
  }
}

/** The one place where a credential becomes a header. */
function toRequest(call: OutgoingCall, credential: SentCredential): SentRequest {
  const { path, method, body, sentHeaders } = call;
  const { secret } = credential;
  const scheme = secret.kind === 'private_key' ? 'Klaviyo-API-Key' : 'Bearer';
  const headers = [...sentHeaders, 'authorization', `${scheme} ${secret.reveal()}`];
  return { path, method, headers, body, credential };
}

function toEvent<Answer>(
  { status, edge, headers }: AnswerHead,
  { route }: SentCredential,
  means: CallMeans<Answer>,
): CallEvent {
  const moment = status < 300 ? { atMs: 0, fraction: 0 } : momentOf(means);
  const retryAfterSec = status < 300 ? undefined : retryAfterOf(headers, moment.atMs);
  return { kind: 'status', route, status, edge, retryAfterSec, ...moment };
}

function momentOf<Answer>({ clock, random }: CallMeans<Answer>) {
  return { atMs: clock.now(), fraction: random.fraction() };
}

/** Seconds that an answer asks to wait, where it does. */
export function retryAfterOf(headers: IncomingHttpHeaders, nowMs: number): number | undefined {
  const value = headers['retry-after'];
  return parseRetryAfterSec(typeof value === 'string' ? value : undefined, nowMs);
}

function refusedBy<Answer>(error: unknown): Attempt<Answer> {
  const code: ErrorCode | undefined = isKeyshiftError(error) ? error.code : undefined;
  return { event: { kind: 'refused', code }, error };
}

async function renew<Answer>(
  { source, waiter }: CallMeans<Answer>,
  { credential }: Attempt<Answer>,
): Promise<void> {
  if (credential && 'generation' in credential && source.renew) {
    await waiter.within(source.renew(credential, waiter));
  }
}

function answerOf<Answer>({ outcome }: Attempt<Answer>): Answer {
  if (outcome?.kind === 'answered') return outcome.answer;
  throw new Error('there is no answer to give out');
}

async function letGo<Answer>(
  transport: Transport<Answer>,
  outcome: Outcome<Answer> | undefined,
): Promise<void> {
  if (outcome?.kind === 'answered') await transport.letGo?.(outcome.answer);
}

async function classOf<Answer>(
  transport: Transport<Answer>,
  outcome: Outcome<Answer> | undefined,
): Promise<string> {
  if (outcome?.kind !== 'answered') return 'no answer';
  const { head, held, answer } = outcome;
  const text = held ? held.toString() : await transport.readText?.(answer);
  return answerClass(head.status, head.edge, text);
}

function record<Answer>(
  call: OutgoingCall,
  { source }: CallMeans<Answer>,
  { credential, outcome }: Attempt<Answer>,
): void {
  // A call that cannot be sent says nothing about Klaviyo.
  if (!credential || !outcome || outcome.kind === 'mistake') return;
  if (outcome.kind !== 'answered') {
    const { error, tookMs } = outcome;
    const name = isKeyshiftError(error) ? error.code : 'network';
    source.record?.(call, { credential, status: undefined, edge: false, tookMs, error: name });
    return;
  }
  const { status, edge, tookMs } = outcome.head;
  const error =
    status < 400 ? outcome.brokeOff : answerClass(status, edge, outcome.held?.toString());
  source.record?.(call, { credential, status, edge, tookMs, error });
}
