import type { RefreshBudgets } from '../../src/tokens/refresh-policy.ts';
import type { RefreshStep } from '../../src/tokens/refresh-attempt.ts';

/** Everything an engine needs to know of its surroundings, as plain data. */
export interface EngineSetup {
  readonly databaseUrl: string;
  /** Keyring, as in `KEYSHIFT_KEYS`. */
  readonly keys: string;
  readonly sandboxUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly previousClientSecret?: string;
  readonly budgets: RefreshBudgets;
}

/** What an engine process can be told to do. Each is answered by a {@link CallTally}. */
export type EngineCommand =
  | { readonly do: 'open'; readonly setup: EngineSetup }
  /** Callers at once: each asks the engine for a token, then calls `path` with it. */
  | {
      readonly do: 'call';
      readonly accountId: string;
      readonly callers: number;
      readonly path: string;
    }
  /** Callers at once, the customers in turn: each calls `path` through its connection. */
  | {
      readonly do: 'fetch';
      readonly customerIds: readonly string[];
      readonly callers: number;
      readonly path: string;
    }
  /** Callers at once, all of whom Klaviyo answered 401 for the token of `generation`. */
  | {
      readonly do: 'refused';
      readonly accountId: string;
      readonly generation: number;
      readonly callers: number;
    }
  /** Refreshes without pause until one fails; before each the clock skips a token's life. */
  | { readonly do: 'loop'; readonly accountId: string }
  /**
   * From now on the process sends itself `signal` at a step of a refresh; when it goes on, its
   * clock tells that it stood still for `stoodStillMs`.
   */
  | {
      readonly do: 'signal';
      readonly step: RefreshStep;
      readonly signal: 'SIGKILL' | 'SIGSTOP';
      readonly stoodStillMs?: number;
    }
  /** Moves the process's clock ahead, and wakes who slept until then. */
  | { readonly do: 'skip'; readonly ms: number }
  /** Moves the process's clock to a time, unless it is past it. */
  | { readonly do: 'skip_to'; readonly atMs: number };

/** Does nothing: its answer tells that every command before it has begun. */
export const barrier: EngineCommand = { do: 'skip', ms: 0 };

/** How a number of calls ended. */
export interface CallTally {
  /** Answers of the API by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Errors by code. */
  readonly errors: Readonly<Record<string, number>>;
  /** Generations of the grants that the engine answered, each once, ascending. */
  readonly generations: readonly number[];
  /** The longest `Retry-After` that an error carried, in seconds. */
  readonly retryAfterSec: number;
}

export interface EngineRequest {
  readonly id: number;
  readonly command: EngineCommand;
}

export type EngineReply =
  | { readonly id: number; readonly tally: CallTally }
  /** The program itself is wrong: no outcome of an engine. */
  | { readonly id: number; readonly defect: string };
