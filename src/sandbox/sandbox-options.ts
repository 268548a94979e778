import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import type { Fault } from './faults/fault.ts';
import type { RecordedRequest, SandboxStatistics } from './request-log.ts';
import type { RotationMode } from './sandbox-context.ts';
import type { SandboxSeed } from './seed/seed.ts';

/** How to start a sandbox. */
export interface SandboxOptions {
  /** 0 finds a free port. Default 0. */
  readonly port?: number;
  /** Default `localhost`. */
  readonly host?: string;
  /** Accounts and apps to start with. Default: ten sample shops and one app. */
  readonly seed?: SandboxSeed;
  /** Decides expiry, rate windows and delays. Default: the machine's. */
  readonly clock?: Clock;
  /** Default: the operating system's. */
  readonly random?: Random;
  /** Whether rate limits are enforced. Default true. */
  readonly limits?: boolean;
  /** Lifetime of access tokens in seconds. Default 3600. */
  readonly accessTokenTtlSec?: number;
  /** What happens to a refresh token when it is used. Default `none`, as seen at Klaviyo. */
  readonly rotation?: RotationMode;
  /** Refreshes allowed a minute for each install; more are answered 429. Default: no limit. */
  readonly refreshLimitPerMinute?: number;
  /**
   * Where to keep the state, so that a sandbox that is started again still knows its installs.
   * What the seed names is put back as the seed says; the rest continues. The file holds tokens
   * and keys of the sandbox, in clear, readable only by its owner.
   */
  readonly stateFile?: string;
}

/** An account with the apps installed in it. */
export interface SandboxAccount {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly testAccount: boolean;
  readonly installs: readonly SandboxInstall[];
}

/** An app installed in an account. */
export interface SandboxInstall {
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly installedAtMs: number;
  /** Access tokens that are not expired. */
  readonly liveAccessTokens: number;
}

/** A running sandbox: a stateful stand-in for Klaviyo on this machine. */
export interface Sandbox extends AsyncDisposable {
  /** Origin, without a trailing slash. */
  readonly url: string;
  readonly authorizeUrl: string;
  readonly tokenUrl: string;
  readonly revokeUrl: string;
  /** Origin of the API: the same as {@link Sandbox.url}. */
  readonly apiUrl: string;
  accounts(): SandboxAccount[];
  /** The last 1,000 requests, oldest first; never a token, a key, a query or a body. */
  requests(): RecordedRequest[];
  statistics(): SandboxStatistics;
  /** Uninstalls from Klaviyo's side, without telling the app; answers how many installs ended. */
  uninstall(accountId: string, clientId?: string): number;
  /** Lets access tokens expire now, of all accounts or one; answers how many. */
  expireAccessTokens(accountId?: string): number;
  /**
   * Makes access tokens unknown before their time, of all accounts or one, as in an incident at
   * Klaviyo; refresh tokens go on working. Answers how many.
   */
  invalidateAccessTokens(accountId?: string): number;
  /** Adds a fault; answers a function that removes it. */
  addFault(fault: Fault): () => void;
  clearFaults(): void;
  /** Stops at once: open connections break, the state file is written. */
  close(): Promise<void>;
}
