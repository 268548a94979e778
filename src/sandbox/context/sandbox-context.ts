import type { Clock } from '../../runtime/clock.ts';
import type { ApiErrors } from './api-error.ts';
import type { RateLimiter } from './rate-limiter.ts';
import type { RefreshLimiter } from './refresh-limiter.ts';
import type { SandboxRandom } from '../repeatable-random.ts';
import type { SandboxSettings } from './settings.ts';
import type { SandboxState } from '../state/sandbox-state.ts';

/**
 * What happens to the refresh token at a refresh.
 * - `none`: the same one comes back and keeps working (observed at Klaviyo).
 * - `rotate`: a new one comes back, the old one is dead.
 * - `rotate_with_reuse_detection`: as `rotate`, and using the old one kills its whole family.
 * - `rotate_with_grace`: as `rotate`, but the old one works once more.
 */
export type RotationMode = SandboxSettings['rotation'];

/**
 * What happens to a private key's metric when an OAuth app sends events with the same name.
 * - `second-metric`: the app's events make another metric with the same name.
 * - `brand-in-place`: once no key has sent an event of it for a minute, the metric gets the app's
 *   integration and keeps its id; before, the app's events make another metric.
 */
export type MetricBranding = SandboxSettings['metricBranding'];

/** What every handler works with. A member may be replaced between requests. */
export interface SandboxContext {
  readonly state: SandboxState;
  readonly clock: Clock;
  readonly random: SandboxRandom;
  readonly settings: SandboxSettings;
  /** `undefined` when limits are off. */
  readonly limiter: RateLimiter | undefined;
  readonly refreshLimiter: RefreshLimiter;
  readonly errors: ApiErrors;
  /** Runs an effect a while after the answer, or at once: the setting `consistency` decides. */
  later(effect: () => void): void;
  /** Runs the effects that are due. */
  catchUp(): void;
  /** Origin of the sandbox, for links. */
  readonly origin: string;
}
