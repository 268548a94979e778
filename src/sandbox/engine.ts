import { systemClock } from '../runtime/clock.ts';
import { systemRandom } from '../runtime/random.ts';
import { createApiErrors } from './context/api-error.ts';
import { createPendingEffects } from './context/pending-effects.ts';
import { createRateLimiter } from './context/rate-limiter.ts';
import { createControlledClock, type ControlledClock } from './context/controlled-clock.ts';
import { createFaultPlan, type FaultPlan } from './faults/fault-plan.ts';
import { createRefreshLimiter } from './context/refresh-limiter.ts';
import { createRequestLog, type RequestLog } from './request-log.ts';
import type { SandboxContext } from './context/sandbox-context.ts';
import type { SandboxOptions } from './sandbox-options.ts';
import { plantInstalls } from './oauth/plant-installs.ts';
import { createRepeatableRandom, type SandboxRandom } from './repeatable-random.ts';
import { mergeSeed, seedData } from './seed/seed-data.ts';
import type { SandboxSeed } from './seed/seed.ts';
import { defaultSettings, patchSettings, type SandboxSettings } from './context/settings.ts';
import { SandboxState } from './state/sandbox-state.ts';
import type { SandboxData } from './state/sandbox-data.ts';

/** The parts of a running sandbox that requests and control share. */
export interface Engine {
  readonly context: SandboxContext;
  readonly clock: ControlledClock;
  readonly faults: FaultPlan;
  readonly log: RequestLog;
  /** @throws KeyshiftError `request_invalid`, naming the setting */
  changeSettings(patch: Partial<SandboxSettings>): SandboxSettings;
  /** Puts other data in place of all there is, and forgets how often anyone called. */
  replaceState(data: SandboxData): void;
  /** Adds a seed to what there is. */
  addSeed(seed: SandboxSeed): void;
  /** Starts over: the seed, its settings, no faults, an empty log, the machine's time. */
  restart(): void;
  /** The state as plain data, once all that waits has taken effect. */
  settledData(): SandboxData;
  /** Notes that the state may have changed. */
  changed(): void;
}

/** What an engine is made of besides the options. */
export interface EngineParts {
  readonly seed: SandboxSeed;
  /** What an earlier run left, with the seed laid over it already if one was given. */
  readonly earlier: SandboxData | undefined;
  /** Known once the sandbox listens. */
  readonly origin: () => string;
  readonly changed: () => void;
  /** Builds the state from its data, for a caller that wants to see changes at once. */
  readonly createState?: (data: SandboxData) => SandboxState;
}

/**
 * Creates the engine of a sandbox.
 *
 * @throws {@link KeyshiftError} `request_invalid` for a setting that is out of range
 */
export function createEngine(options: SandboxOptions, parts: EngineParts): Engine {
  const random = randomOf(options);
  const clock = createControlledClock(options.clock ?? systemClock);
  const firstSettings = patchSettings(
    patchSettings(defaultSettings, parts.seed.settings ?? {}),
    settingsOf(options),
  );
  let settings = firstSettings;
  let limiter = createRateLimiter(clock);
  let refreshLimiter = createRefreshLimiter(clock);
  const createState = parts.createState ?? ((data) => new SandboxState(data));
  let state = createState(parts.earlier ?? seedData(parts.seed, clock.now()));
  const pending = createPendingEffects();
  const context: SandboxContext = {
    get state() {
      return state;
    },
    clock,
    random,
    get settings() {
      return settings;
    },
    get limiter() {
      return settings.limits ? limiter : undefined;
    },
    get refreshLimiter() {
      return refreshLimiter;
    },
    errors: createApiErrors(random),
    later(effect) {
      if (settings.consistency === 'immediate') effect();
      else pending.add(effect, clock.now() + settings.settleSec * 1_000);
    },
    catchUp: () => pending.run(clock.now()),
    get origin() {
      return parts.origin();
    },
  };
  const replaceState = (data: SandboxData) => {
    pending.clear();
    state = createState(data);
    limiter = createRateLimiter(clock);
    refreshLimiter = createRefreshLimiter(clock);
    parts.changed();
  };
  const engine: Engine = {
    context,
    clock,
    faults: createFaultPlan(random),
    log: createRequestLog(),
    changed: parts.changed,
    settledData() {
      pending.run(Infinity);
      return state.toData();
    },
    changeSettings(patch) {
      settings = patchSettings(settings, patch);
      return settings;
    },
    replaceState,
    addSeed(seed) {
      replaceState(mergeSeed(engine.settledData(), seedData(seed, clock.now())));
      plantInstalls(context, seed);
      engine.changeSettings(seed.settings ?? {});
    },
    restart() {
      random.restart?.();
      clock.resume('real-time');
      engine.faults.clear();
      engine.log.clear();
      settings = firstSettings;
      replaceState(seedData(parts.seed, clock.now()));
      plantInstalls(context, parts.seed);
    },
  };
  plantInstalls(context, parts.seed);
  return engine;
}

function randomOf({ random, randomSeed }: SandboxOptions): SandboxRandom {
  if (random) return random;
  return randomSeed === undefined ? systemRandom : createRepeatableRandom(randomSeed);
}

/** The settings among the options, whether they stand there by themselves or under `settings`. */
function settingsOf(options: SandboxOptions): Partial<SandboxSettings> {
  const { limits, accessTokenTtlSec, rotation, refreshLimitPerMinute, metricBranding } = options;
  const given = { limits, accessTokenTtlSec, rotation, refreshLimitPerMinute, metricBranding };
  return {
    ...options.settings,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
}
