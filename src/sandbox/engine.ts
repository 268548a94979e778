import { systemClock } from '../runtime/clock.ts';
import { systemRandom } from '../runtime/random.ts';
import { createApiErrors } from './api/api-error.ts';
import { createRateLimiter } from './api/rate-limiter.ts';
import { createControlledClock, type ControlledClock } from './control/controlled-clock.ts';
import { createFaultPlan, type FaultPlan } from './faults/fault-plan.ts';
import { createRefreshLimiter } from './oauth/refresh-limiter.ts';
import { createRequestLog, type RequestLog } from './request-log.ts';
import type { SandboxContext } from './sandbox-context.ts';
import type { SandboxOptions } from './sandbox-options.ts';
import { defaultSettings, patchSettings, type SandboxSettings } from './settings.ts';
import type { SandboxState } from './state/sandbox-state.ts';

/** The parts of a running sandbox that requests and control share. */
export interface Engine {
  readonly context: SandboxContext;
  readonly clock: ControlledClock;
  readonly faults: FaultPlan;
  readonly log: RequestLog;
  changeSettings(patch: Partial<SandboxSettings>): SandboxSettings;
  /** Notes that the state may have changed. */
  changed(): void;
}

/** What an engine is made of. */
export interface EngineParts {
  readonly state: SandboxState;
  /** Known once the sandbox listens. */
  readonly origin: () => string;
  readonly changed: () => void;
}

/**
 * Creates the engine of a sandbox.
 *
 * @throws {@link KeyshiftError} `request_invalid` for an option that is out of range
 */
export function createEngine(options: SandboxOptions, parts: EngineParts): Engine {
  const random = options.random ?? systemRandom;
  const clock = createControlledClock(options.clock ?? systemClock);
  const limiter = createRateLimiter(clock);
  let settings = patchSettings(defaultSettings, settingsOf(options));
  const context: SandboxContext = {
    state: parts.state,
    clock,
    random,
    get settings() {
      return settings;
    },
    get limiter() {
      return settings.limits ? limiter : undefined;
    },
    refreshLimiter: createRefreshLimiter(clock),
    errors: createApiErrors(random),
    get origin() {
      return parts.origin();
    },
  };
  return {
    context,
    clock,
    faults: createFaultPlan(random),
    log: createRequestLog(),
    changed: parts.changed,
    changeSettings(patch) {
      settings = patchSettings(settings, patch);
      return settings;
    },
  };
}

/** The settings among the options, where they stand under the same names. */
function settingsOf(options: SandboxOptions): Partial<SandboxSettings> {
  const { limits, accessTokenTtlSec, rotation, refreshLimitPerMinute, metricBranding } = options;
  const given = { limits, accessTokenTtlSec, rotation, refreshLimitPerMinute, metricBranding };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
