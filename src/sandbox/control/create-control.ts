import type { Engine } from '../engine.ts';
import { expireAccessTokens, invalidateAccessTokens, listAccounts, uninstall } from './installs.ts';
import type { SandboxControl } from './sandbox-control.ts';

/** Creates what the handle and the control routes both do. */
export function createControl(engine: Engine): SandboxControl {
  const { context, clock, faults, log } = engine;
  const saved = <Value>(value: Value): Value => {
    engine.changed();
    return value;
  };
  const moved = (move: () => void) => {
    move();
    return clock.reading();
  };
  return {
    accounts: () => listAccounts(context),
    requests: log.requests,
    statistics: log.statistics,
    uninstall: (accountId, clientId) => saved(uninstall(context, accountId, clientId)),
    expireAccessTokens: (accountId) => saved(expireAccessTokens(context, accountId)),
    invalidateAccessTokens: (accountId) => saved(invalidateAccessTokens(context, accountId)),
    addFault(fault) {
      const { id } = faults.add(fault);
      return Object.assign(() => void faults.remove(id), { id });
    },
    faults: faults.list,
    removeFault: faults.remove,
    clearFaults: faults.clear,
    settings: () => context.settings,
    changeSettings: (patch) => engine.changeSettings(patch),
    clock: clock.reading,
    freezeClock: (atMs) => moved(() => clock.freeze(atMs)),
    advanceClock: (ms) => moved(() => clock.advance(ms)),
    resumeClock: (from) => moved(() => clock.resume(from)),
  };
}
