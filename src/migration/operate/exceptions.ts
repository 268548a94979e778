import { settledMs } from '../../calls/recent-reads.ts';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import { operations, type Operation } from '../../klaviyo/operations.ts';
import { isLive, recordsEvents, type SentRoute } from '../../model/route-policy.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Store } from '../../store/store.ts';
import { planFor, skip, willChange, type Action, type Decision } from './plan.ts';
import { requireConnection, type Selection } from './selection.ts';

/** What exceptions work with. */
export interface ExceptionDeps {
  readonly store: Store;
  readonly clock: Clock;
}

/** One operation, for one customer or for all. */
export interface ExceptionTarget {
  /** Klaviyo's operation id. */
  readonly operation: string;
  readonly customerId?: string;
}

/** What became of {@link addException}. */
export interface AddedException {
  /** Whether the operation records events: those of live connections keep going over OAuth. */
  readonly exceptLive: boolean;
}

/** Sends one operation with the same credential always, whatever the connection's route. */
export function addException(
  deps: ExceptionDeps,
  target: ExceptionTarget,
  route: SentRoute,
): Action<AddedException> {
  const { store, clock } = deps;
  const operation = requireOperation(target.operation);
  const { method, path, id } = operation;
  const exceptLive = route === 'key' && recordsEvents({ method, path, headers: {}, operation });

  return {
    plan: () =>
      planFor(store, selectionOf(target), {
        async decide(connection): Promise<Decision<undefined>> {
          if (exceptLive && isLive(connection)) {
            const message = `${id} records events, and customer ${connection.customerId} is live: its events keep going over OAuth.`;
            return skip('other_stage', new KeyshiftError('stage_conflict', message));
          }
          return willChange(
            undefined,
            `${id} ${route === 'key' ? 'with its private key' : 'over OAuth'}`,
          );
        },
      }),
    async apply(actor) {
      const connectionId = await connectionIdOf(store, target);
      const createdAtMs = clock.now();
      await store.transaction(async (tx) => {
        await tx.routeExceptions.put({ connectionId, operation: id, route, createdAtMs, actor });
        await tx.audit.append(event(createdAtMs, actor, connectionId, `${id} by ${route}`));
      });
      await clock.sleep(settledMs);
      return { exceptLive };
    },
  };
}

/** Lets an operation follow the routes of connections again. */
export function removeException(deps: ExceptionDeps, target: ExceptionTarget): Action<void> {
  const { store, clock } = deps;
  const { operation: id, customerId } = target;

  async function* plan() {
    const connectionId = await connectionIdOf(store, target);
    const known = await store.routeExceptions.list();
    if (!known.some((each) => each.operation === id && each.connectionId === connectionId)) {
      throw unknownException();
    }
    yield* planFor(store, selectionOf(target), {
      decide: (): Promise<Decision<undefined>> =>
        Promise.resolve(willChange(undefined, `${id} on its own route again`)),
    });
  }

  function unknownException(): KeyshiftError {
    const whom = customerId === undefined ? 'for every customer' : `for ${customerId}`;
    return new KeyshiftError('not_found', `There is no exception for ${id} ${whom}.`, {
      fix: 'See `keyshift exceptions list`.',
    });
  }

  return {
    plan,
    async apply(actor) {
      const connectionId = await connectionIdOf(store, target);
      const removed = await store.transaction(async (tx) => {
        if (!(await tx.routeExceptions.remove(id, connectionId))) return false;
        await tx.audit.append(event(clock.now(), actor, connectionId, `${id} removed`));
        return true;
      });
      if (!removed) throw unknownException();
      await clock.sleep(settledMs);
    },
  };
}

function selectionOf({ customerId }: ExceptionTarget): Selection {
  return customerId === undefined ? {} : { customers: [customerId] };
}

async function connectionIdOf(
  store: Store,
  { customerId }: ExceptionTarget,
): Promise<string | undefined> {
  return customerId === undefined ? undefined : (await requireConnection(store, customerId)).id;
}

function event(atMs: number, actor: string, connectionId: string | undefined, reason: string) {
  const action = 'route.exception';
  return { atMs, actor, action, connectionId, reason, fromStage: undefined, toStage: undefined };
}

function requireOperation(id: string): Operation {
  const operation = operations.find((each) => each.id === id);
  if (operation) return operation;
  const near = operations.filter((each) => each.id.includes(id) || each.path === id).slice(0, 3);
  throw new KeyshiftError('request_invalid', `Klaviyo has no operation ${JSON.stringify(id)}.`, {
    fix:
      near.length > 0
        ? `Did you mean ${near.map((each) => each.id).join(', ')}?`
        : 'docs/sandbox-coverage.md lists the ids of all operations.',
  });
}
