import type { JsonValue } from '../state/json.ts';

/** Which requests a fault applies to: all that is given must fit, and a path or an operation must be. */
export interface FaultMatch {
  /** Any method when left out. */
  readonly method?: string;
  /** Path without the query; `*` stands for anything, a trailing slash is tolerated. */
  readonly path?: string;
  /** Klaviyo's operation id, or `oauth_refresh`, `oauth_exchange`, `oauth_revoke`, … */
  readonly operation?: string;
  /** Id of the account whose token, key or code the request carries. */
  readonly accountId?: string;
}

/**
 * Whether the request is processed before the fault: `before` leaves the sandbox as it was,
 * `after` changes it (a refresh token is spent, an event recorded) and spoils only the answer.
 */
export type FaultPhase = 'before' | 'after';

/** What goes wrong. */
export type FaultKind =
  /** Another response in place of the real one. Default phase: before. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      /** Text as it is; anything else as JSON. Default: a body that fits the status. */
      readonly body?: JsonValue;
      readonly phase?: FaultPhase;
    }
  /**
   * The real answer, late by the sandbox's clock; the request is processed after the delay (phase
   * `before`, the default) or ahead of it, whether or not the client still waits.
   */
  | { readonly kind: 'delay'; readonly delayMs: number; readonly phase?: FaultPhase }
  /** The connection is destroyed instead of processing the request. */
  | { readonly kind: 'reset_before' }
  /** The request is processed, then the connection is destroyed instead of answering. */
  | { readonly kind: 'reset_after' }
  /** A page of the network edge (Cloudflare's challenge). Default: 403, phase before. */
  | {
      readonly kind: 'html';
      readonly status?: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly phase?: FaultPhase;
    }
  /** The request is processed; half of the answer arrives, then the connection breaks. */
  | { readonly kind: 'truncated' }
  /** 200 (or `status`) with an empty body. Default phase: after. */
  | { readonly kind: 'empty'; readonly status?: number; readonly phase?: FaultPhase }
  /** A successful token answer without some of its fields, or with others. */
  | {
      readonly kind: 'token_reply';
      /** Fields to leave out, such as `refresh_token` or `expires_in`. */
      readonly omit?: readonly string[];
      /** Fields to set in the answer. */
      readonly body?: Readonly<Record<string, JsonValue>>;
    };

/** A fault to inject: where, how often, and what. */
export type Fault = FaultKind & {
  readonly match: FaultMatch;
  /** How many times it is applied before it is used up. Default: no limit. */
  readonly times?: number;
  /** Probability (0–1) that it is applied to a matching request. Default 1. */
  readonly probability?: number;
};
