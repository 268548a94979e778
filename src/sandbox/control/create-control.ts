import type { Engine } from '../engine.ts';
import { parseSeed } from '../seed/parse-seed.ts';
import { install, listApps, regenerateClientSecret } from './apps.ts';
import { expireAccessTokens, invalidateAccessTokens, listAccounts, uninstall } from './installs.ts';
import { createKey, deleteKey, listKeys, setKeyStatus } from './keys.ts';
import type { SandboxControl } from './sandbox-control.ts';
import { createScenarios } from './scenarios.ts';
import { restoreSnapshot, takeSnapshot } from './snapshot.ts';

/** Creates what the handle and the control routes both do. */
export function createControl(engine: Engine): SandboxControl {
  const { context, clock, faults, log } = engine;
  const scenarios = createScenarios();
  const saved = <Value>(value: Value): Value => {
    engine.changed();
    return value;
  };
  const moved = (move: () => void) => {
    move();
    return clock.reading();
  };
  const control: SandboxControl = {
    accounts: () => listAccounts(context),
    requests: log.requests,
    statistics: log.statistics,
    clearRequests: log.clear,
    apps: () => listApps(context),
    keys: (accountId) => listKeys(context, accountId),
    createKey: (wanted) => saved(createKey(context, wanted)),
    setKeyStatus: (idOrKey, status) => saved(setKeyStatus(context, idOrKey, status)),
    deleteKey: (idOrKey) => saved(deleteKey(context, idOrKey)),
    install: (wanted) => saved(install(context, wanted)),
    regenerateClientSecret: (clientId, graceSec) =>
      saved(regenerateClientSecret(context, clientId, graceSec)),
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
    changeSettings: engine.changeSettings,
    clock: clock.reading,
    freezeClock: (atMs) => moved(() => clock.freeze(atMs)),
    advanceClock: (ms) => moved(() => clock.advance(ms)),
    resumeClock: (from) => moved(() => clock.resume(from)),
    scenarios: scenarios.list,
    playScenario: (name, input) => scenarios.play({ engine, control }, name, input),
    endScenario: scenarios.end,
    snapshot: () => takeSnapshot(engine),
    restore(snapshot) {
      restoreSnapshot(engine, snapshot);
      scenarios.forget();
    },
    addSeed: (seed) => engine.addSeed(parseSeed(seed)),
    reset() {
      scenarios.forget();
      engine.restart();
    },
  };
  return control;
}
