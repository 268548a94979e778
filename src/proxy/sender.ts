import type { Dispatcher } from 'undici';
import { authorizationHeader } from '../calls/account-lookup.ts';
import { refuses, toFailed } from '../calls/attempt.ts';
import { isGrantRefused, type Credentials, type RoutedCredential } from '../calls/credentials.ts';
import type { RateWindows } from '../calls/rate-windows.ts';
import { isIdempotent, mayRetry, retryPauseMs, type AttemptResult } from '../model/retry-policy.ts';
import { recordsEvents } from '../model/route-policy.ts';
import type { TrafficMeter } from '../calls/traffic-meter.ts';
import { isKeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import { answerClassOf } from './answer-class.ts';
import type { Exchange, ExchangeCall } from './exchange.ts';
import { forwardedRequestHeaders, type HeaderList } from './proxy-headers.ts';
import { recordAttempt, retryAfterOf } from './record-attempt.ts';
import type { Slots } from './slots.ts';
import { passOn, UpstreamCall, type ReplyHead, type UpstreamOutcome } from './upstream-call.ts';

/** What {@link createSender} works with. */
export interface SenderOptions {
  readonly dispatcher: Dispatcher;
  readonly apiUrl: string;
  readonly revision: string;
  readonly credentials: Credentials;
  readonly windows: RateWindows;
  readonly slots: Slots;
  readonly meter: TrafficMeter;
  readonly clock: Clock;
  readonly random: Random;
}

/** What a call came to: what was sent last, and how it was answered. */
export interface Sent {
  readonly credential: RoutedCredential;
  readonly head: ReplyHead;
}

/** Sends a call until its answer is with the caller. Answers undefined when the caller left. */
export type Sender = (
  exchange: Exchange,
  call: ExchangeCall,
  onChunk?: (chunk: Buffer) => void,
) => Promise<Sent | undefined>;

/** Attempts in all, those with another credential not counted: as many as the client makes. */
const mostAttempts = 4;
/** Pauses may last so long in all. A longer one is the caller's to make, who has a deadline too. */
const patienceMs = 10_000;

/**
 * Creates the sender. As the client does, it refreshes once on 401, waits as `Retry-After` says
 * and repeats only what may be repeated; after that, a call that Klaviyo refused by its grant may
 * go out by the key. A streamed body is sent once.
 *
 * @throws KeyshiftError from the sender it creates: what picking a credential throws, `proxy_busy`,
 * `upstream_*`, `request_*`
 */
export function createSender(options: SenderOptions): Sender {
  return (exchange, call, onChunk) => new Sending(options, exchange, call, onChunk).run();
}

class Sending {
  readonly #options: SenderOptions;
  readonly #exchange: Exchange;
  readonly #call: ExchangeCall;
  readonly #onChunk: ((chunk: Buffer) => void) | undefined;
  readonly #repeatable: boolean;
  readonly #idempotent: boolean;
  /** What the next attempt is sent with, where that is settled already. */
  #next: RoutedCredential | undefined;
  #renewed = false;
  #fellBack = false;
  #failures = 0;

  constructor(
    options: SenderOptions,
    exchange: Exchange,
    call: ExchangeCall,
    onChunk: ((chunk: Buffer) => void) | undefined,
  ) {
    this.#options = options;
    this.#exchange = exchange;
    this.#call = call;
    this.#onChunk = onChunk;
    this.#repeatable = call.body === null || Buffer.isBuffer(call.body);
    this.#idempotent = isIdempotent(call.method);
  }

  async run(): Promise<Sent | undefined> {
    for (;;) {
      const credential = await this.#prepare();
      if (!credential) return undefined;
      const outcome = await this.#send(credential);
      this.#options.slots.release();
      const renews = this.#renews(credential, outcome);
      if (!renews) this.#record(credential, outcome);
      if (outcome.kind === 'passed') return { credential, head: outcome.head };
      if (this.#exchange.isGone()) return undefined;
      if (await this.#again(credential, outcome, renews)) continue;
      if (outcome.kind === 'failed') return undefined;
      passOn(this.#exchange.response, outcome.head, outcome.body, this.#ownHeaders(credential));
      return { credential, head: outcome.head };
    }
  }

  /** Whether an answer is about to be followed by a newer token, once. */
  #renews({ route }: RoutedCredential, { kind, head }: UpstreamOutcome): boolean {
    return kind === 'held' && route === 'oauth' && head.status === 401 && !this.#renewed;
  }

  async #again(
    credential: RoutedCredential,
    outcome: Exclude<UpstreamOutcome, { kind: 'passed' }>,
    renews: boolean,
  ): Promise<boolean> {
    try {
      return outcome.kind === 'failed'
        ? await this.#afterFailure(outcome.error, outcome.head)
        : await this.#afterHeld(credential, outcome.head, outcome.body);
    } finally {
      // A token that ended early and has a successor is no refusal of the grant.
      if (renews && this.#next?.route !== 'oauth') this.#record(credential, outcome);
    }
  }

  /** Waits for a turn and picks the credential as late as may be; undefined when the caller left. */
  async #prepare(): Promise<RoutedCredential | undefined> {
    const { slots, windows, clock } = this.#options;
    const { operation, arrivedAtMs } = this.#call;
    for (;;) {
      const credential = this.#next ?? (await this.#pick());
      if (this.#exchange.isGone()) return undefined;
      const nowMs = clock.now();
      const waitMs = operation ? windows.blockedMs(credential.quota, operation, nowMs) : 0;
      if (waitMs > 0 && nowMs + waitMs <= arrivedAtMs + patienceMs) {
        if (!(await this.#sleep(waitMs))) return undefined;
        continue;
      }
      const turn = slots.take();
      if (!turn) return credential;
      await turn;
      // The route may have changed while the call waited.
      const late = this.#exchange.isGone() ? undefined : await this.#pickOrRelease();
      if (late) return late;
      slots.release();
      return undefined;
    }
  }

  async #pickOrRelease(): Promise<RoutedCredential> {
    try {
      return this.#next ?? (await this.#pick());
    } catch (error) {
      this.#options.slots.release();
      throw error;
    }
  }

  async #pick(): Promise<RoutedCredential> {
    const { credentials } = this.#options;
    const { target } = this.#call;
    if (target.kind === 'account') return credentials.forAccount(target.accountId);
    try {
      return await credentials.forConnection(target.connection, this.#call);
    } catch (error) {
      const key = isGrantRefused(error) ? await this.#fallBack(error.code) : undefined;
      if (key) return key;
      throw error;
    }
  }

  #send(credential: RoutedCredential): Promise<UpstreamOutcome> {
    const { dispatcher, apiUrl, revision, clock } = this.#options;
    const { method, path, body } = this.#call;
    const { request, response } = this.#exchange;
    const authorization = authorizationHeader(credential.secret);
    this.#exchange.route = credential.route;
    return new Promise((resolve) => {
      const attempt = new UpstreamCall({
        response,
        ownHeaders: this.#ownHeaders(credential),
        now: clock.now,
        holds: (head) => this.#holds(head, credential),
        onChunk: this.#onChunk,
        onEnd: resolve,
      });
      this.#exchange.watch(attempt);
      const headers = forwardedRequestHeaders(request.headers, authorization, revision);
      dispatcher.dispatch({ origin: apiUrl, path, method, headers, body }, attempt);
    });
  }

  #ownHeaders({ route }: RoutedCredential): HeaderList {
    return ['keyshift-request-id', this.#exchange.id, 'keyshift-route', route];
  }

  /** Whether an answer may lead to another attempt, so that the caller must not see it yet. */
  #holds({ status, edge }: ReplyHead, { route }: RoutedCredential): boolean {
    if (!this.#repeatable) return false;
    if (route === 'oauth' && refuses(status, edge)) {
      return (status === 401 && !this.#renewed) || this.#mayFallBack();
    }
    return this.#mayRepeat({ kind: 'status', status, edge });
  }

  #mayFallBack(): boolean {
    const { target } = this.#call;
    return target.kind === 'connection' && this.#repeatable && !recordsEvents(this.#call);
  }

  #mayRepeat(result: AttemptResult): boolean {
    if (!this.#repeatable || this.#failures + 1 >= mostAttempts) return false;
    return mayRetry(result, this.#idempotent);
  }

  /** Answers whether to send again. */
  async #afterHeld(credential: RoutedCredential, head: ReplyHead, body: Buffer): Promise<boolean> {
    const { status, edge } = head;
    if (credential.route === 'oauth' && refuses(status, edge)) {
      if (status === 401 && !this.#renewed) return this.#renew(credential);
      const reason = answerClassOf(head, body);
      this.#next = await this.#fallBack(reason);
      return this.#next !== undefined;
    }
    const result: AttemptResult = { kind: 'status', status, edge };
    const retryAfterSec = retryAfterOf(head, this.#options.clock.now());
    return this.#mayRepeat(result) && this.#pause(retryAfterSec);
  }

  async #afterFailure(cause: Error, head: ReplyHead | undefined): Promise<boolean> {
    if (head) {
      // Half an answer is out: only a broken connection tells the caller that it is not whole.
      this.#exchange.response.destroy();
      return false;
    }
    if (isKeyshiftError(cause)) throw cause;
    const { result, error } = toFailed(cause, this.#options.apiUrl + this.#call.path);
    if (this.#mayRepeat(result) && (await this.#pause(undefined))) return true;
    if (this.#exchange.isGone()) return false;
    throw error;
  }

  /** Gets a newer token after a 401; where there is none to be had, the key may do. */
  async #renew(refused: RoutedCredential & { readonly route: 'oauth' }): Promise<boolean> {
    this.#renewed = true;
    try {
      this.#next = await this.#options.credentials.afterUnauthorized(
        refused.accountId,
        refused.generation,
      );
      return true;
    } catch (error) {
      const reason = isGrantRefused(error) ? `401, then ${error.code}` : undefined;
      this.#next = reason === undefined ? undefined : await this.#fallBack(reason);
      if (this.#next) return true;
      throw error;
    }
  }

  async #fallBack(reason: string): Promise<RoutedCredential | undefined> {
    const { target } = this.#call;
    if (this.#fellBack || target.kind !== 'connection' || !this.#mayFallBack()) return undefined;
    const key = await this.#options.credentials.fallBack(target.connection, this.#call, reason);
    if (!key) return undefined;
    this.#fellBack = true;
    this.#next = key;
    return key;
  }

  /** Answers false when the pause is longer than the call may wait, or the caller left. */
  async #pause(retryAfterSec: number | undefined): Promise<boolean> {
    const { clock, random } = this.#options;
    this.#failures += 1;
    const pauseMs = retryPauseMs(this.#failures, retryAfterSec, random);
    if (clock.now() + pauseMs > this.#call.arrivedAtMs + patienceMs) return false;
    if (!this.#fellBack) this.#next = undefined;
    return this.#sleep(pauseMs);
  }

  async #sleep(ms: number): Promise<boolean> {
    await this.#options.clock.sleep(ms, this.#exchange.signal).catch(() => undefined);
    return !this.#exchange.isGone();
  }

  #record(credential: RoutedCredential, outcome: UpstreamOutcome): void {
    // Neither an answer nor a failure of Klaviyo's.
    if (!outcome.head && this.#exchange.isGone()) return;
    recordAttempt(this.#options, this.#call, credential, outcome);
  }
}
