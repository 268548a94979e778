import { settledMs } from '../../calls/recent-reads.ts';
import { fallBackSwitchName, routeSwitchName } from '../../calls/route-policies.ts';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import type { Connection, Route } from '../../model/connection.ts';
import type { SentRoute } from '../../model/route-policy.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Store } from '../../store/store.ts';
import type { SwitchState } from '../../store/switches.ts';
import { planFor, skip, willChange, type Action, type Decision } from './plan.ts';

/** What the switches work with. */
export interface SwitchDeps {
  readonly store: Store;
  readonly clock: Clock;
  /** The OAuth app, where there is one: without it no connection has a grant. */
  readonly clientId: string | undefined;
}

/** Returns how the kill switch stands; `undefined` while every connection has its own route. */
export function readKillSwitch(store: Pick<Store, 'switches'>): Promise<SwitchState | undefined> {
  return store.switches.describe(routeSwitchName);
}

/** Returns how the fall-back switch stands; `undefined` while calls may fall back to the key. */
export function readFallBack(store: Pick<Store, 'switches'>): Promise<SwitchState | undefined> {
  return store.switches.describe(fallBackSwitchName);
}

/**
 * Sends the calls of every connection with one credential; `undefined` gives every connection its
 * own route back. A connection without that credential keeps the one it has.
 */
export function turnKillSwitch(
  deps: SwitchDeps,
  to: SentRoute | undefined,
  reason?: string,
): Action<SwitchState | undefined> {
  const { store } = deps;

  async function* plan() {
    const now = await store.switches.get(routeSwitchName);
    const from = now === 'key' || now === 'oauth' ? now : undefined;
    yield* planFor(store, {}, { decide: (connection) => decide(connection, from) });
  }

  async function decide(
    connection: Connection,
    from: SentRoute | undefined,
  ): Promise<Decision<undefined>> {
    const before = await routeUnder(deps, connection, from);
    const after = await routeUnder(deps, connection, to);
    if (before !== after) return willChange(undefined, `its calls go ${routeWords[after]}`);
    const { customerId } = connection;
    const stays = `The calls of customer ${customerId} go ${routeWords[after]}`;
    if (to === undefined || after === to) {
      return skip('already', new KeyshiftError('stage_conflict', `${stays} already.`));
    }
    const lacks = to === 'oauth' ? 'has not consented' : lacksKey(connection);
    const message = `${stays} as before: the connection ${lacks}.`;
    return skip('no_credential', new KeyshiftError('stage_conflict', message));
  }

  return {
    plan,
    async apply(actor) {
      await turn(deps, { name: routeSwitchName, value: to, reason, actor });
      return readKillSwitch(store);
    },
  };
}

function lacksKey({ key }: Connection): string {
  return key === 'foreign' ? 'has no private key of its own account' : 'has no private key';
}

const routeWords = {
  key: 'with its private key',
  canary: 'with its private key, a share of them over OAuth',
  oauth: 'over OAuth',
  none: 'nowhere, for want of a credential',
} as const satisfies Record<Route, string>;

/** Allows calls that Klaviyo rejects over OAuth to be sent again with the key, or forbids it. */
export function allowFallBack(
  deps: SwitchDeps,
  allowed: boolean,
  reason?: string,
): Action<SwitchState | undefined> {
  const { store } = deps;

  async function* plan() {
    const now = (await store.switches.get(fallBackSwitchName)) !== 'off';
    yield* planFor(
      store,
      {},
      {
        decide(connection): Promise<Decision<undefined>> {
          const { key, customerId, route } = connection;
          if (route !== 'key' && key === 'held' && now !== allowed) {
            const how = allowed ? 'are sent again with its key' : 'fail: its key is not tried';
            return Promise.resolve(
              willChange(undefined, `calls that Klaviyo rejects over OAuth ${how}`),
            );
          }
          const message = `Nothing changes for the calls of customer ${customerId}.`;
          return Promise.resolve(skip('already', new KeyshiftError('stage_conflict', message)));
        },
      },
    );
  }

  return {
    plan,
    async apply(actor) {
      const value = allowed ? undefined : 'off';
      await turn(deps, { name: fallBackSwitchName, value, reason, actor });
      return readFallBack(store);
    },
  };
}

/** The route that the calls of a connection take while the switch stands so. */
async function routeUnder(
  { store, clientId }: SwitchDeps,
  { accountId, route, key }: Connection,
  value: SentRoute | undefined,
): Promise<Route> {
  if (value === undefined || value === route) return route;
  if (value === 'key') return key === 'held' ? 'key' : route;
  if (clientId === undefined || accountId === undefined) return route;
  const grant = await store.grants.find({ clientId, accountId });
  return grant?.state === 'active' ? 'oauth' : route;
}

/** When it returns, no process sends by what was before. */
async function turn(
  { store, clock }: SwitchDeps,
  change: {
    readonly name: string;
    readonly value: string | undefined;
    readonly reason: string | undefined;
    readonly actor: string;
  },
): Promise<void> {
  const { name, value, reason, actor } = change;
  const atMs = clock.now();
  await store.transaction(async (tx) => {
    await tx.switches.set(name, value, atMs, actor);
    await tx.audit.append({
      atMs,
      actor,
      action: `switch.${name}`,
      connectionId: undefined,
      fromStage: undefined,
      toStage: undefined,
      reason: `${value ?? 'normal'}${reason === undefined ? '' : `: ${reason}`}`,
    });
  });
  await clock.sleep(settledMs);
}
