import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import type { MetricBranding, RotationMode } from './context/sandbox-context.ts';
import type { SandboxSettings } from './context/settings.ts';
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
  /**
   * Makes randomness repeat itself: the same number gives the same ids, keys and tokens for the same
   * requests. Also picks the sample accounts when there is no seed.
   */
  readonly randomSeed?: number;
  /** Switches that differ from their defaults: see docs/sandbox.md. */
  readonly settings?: Partial<SandboxSettings>;
  /** Whether rate limits are enforced. Default true. */
  readonly limits?: boolean;
  /** Lifetime of access tokens in seconds. Default 3600. */
  readonly accessTokenTtlSec?: number;
  /** What happens to a refresh token when it is used. Default `none`, as observed at Klaviyo. */
  readonly rotation?: RotationMode;
  /** Refreshes allowed per minute for each install; more get 429. Default: no limit. */
  readonly refreshLimitPerMinute?: number;
  /**
   * What happens to a key's metric when an app sends events with the same name, which is disputed.
   * Default `second-metric`.
   */
  readonly metricBranding?: MetricBranding;
  /**
   * Where to keep the state, so that a restarted sandbox still knows its installs.
   * What the seed names is put back as the seed says; the rest continues. The file holds tokens
   * and keys of the sandbox in plain text, readable only by its owner.
   */
  readonly stateFile?: string;
  /**
   * Whether other machines may use `/_sandbox/*` and the page at `/`. Default: only this one may.
   */
  readonly remoteControl?: boolean;
}
