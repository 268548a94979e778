import { ConnectionChangedError } from '../../errors/connection-changed-error.ts';
import { isKeyshiftError, KeyshiftError } from '../../errors/keyshift-error.ts';
import { describeStage, type Connection } from '../../model/connection.ts';
import { forEachConcurrently } from '../../runtime/concurrently.ts';
import type { Store } from '../../store/store.ts';
import { requireConnection, select, type Selection } from './selection.ts';

/** Why a use case leaves a connection as it is. */
export type SkipCode =
  /** It is at a stage, or on a route, that the step is not for. */
  | 'other_stage'
  /** It has nothing that would change. */
  | 'already'
  /** It holds no private key, or no grant, that the step needs. */
  | 'no_credential'
  /** Something has to happen first, such as days without key traffic. */
  | 'not_ready'
  /** Its customer was invited in another wave. */
  | 'other_wave'
  /** As many customers, or messages, as the limit allows come before it. */
  | 'limit_reached'
  /** The last message to its customer is too young. */
  | 'too_early'
  /** Its customer was never written to by a channel that can remind. */
  | 'not_told'
  /** Its customer has no open link. */
  | 'no_link'
  | 'no_address'
  | 'opted_out'
  /** It changed after the plan was made. */
  | 'changed';

/** A connection that a use case leaves as it is. */
export interface Skip {
  readonly code: SkipCode;
  /** Why, and what to do about it: what trying all the same would end with. */
  readonly error: KeyshiftError;
}

/** What a use case decides about one connection. */
export type Decision<Change> =
  | {
      readonly kind: 'change';
      readonly change: Change;
      /** What will be different, in words that follow "acme:". */
      readonly description: string;
    }
  | { readonly kind: 'skip'; readonly skip: Skip };

/** Decides that a connection changes. */
export function willChange<Change>(change: Change, description: string): Decision<Change> {
  return { kind: 'change', change, description };
}

/** Decides that a connection stays as it is. */
export function skip(code: SkipCode, error: KeyshiftError): Decision<never> {
  return { kind: 'skip', skip: { code, error } };
}

/** Decides that a connection stays as it is because of where it stands; `rule` says what it takes. */
export function otherStage(connection: Connection, rule: string): Decision<never> {
  const message = `Customer ${connection.customerId} is ${describeStage(connection)}; ${rule}.`;
  return skip('other_stage', new KeyshiftError('stage_conflict', message));
}

/** One line of a plan: a decision, and the connection as it stood then. */
export type PlanItem<Change> = Decision<Change> & { readonly connection: Connection };

/** Who carries out a plan, and how it is ended early. */
export interface Execution {
  /** As the audit log names whoever acts: `cli`, `console`, … */
  readonly actor: string;
  readonly signal?: AbortSignal;
}

/** Something that is done with connections: first planned, then applied. Made for one run. */
export interface UseCase<Change, Result> {
  /** Decides by what is stored alone: changes nothing, and asks Klaviyo nothing. */
  decide(connection: Connection): Promise<Decision<Change>>;
  /**
   * Carries a change out, for this version of the connection alone.
   *
   * @throws KeyshiftError why it could not be done; `ConnectionChangedError` when another writer
   * came first
   */
  carryOut(connection: Connection, change: Change, execution: Execution): Promise<Result>;
  /** Waits until every process obeys what was done; asked for once, at the end of a plan. */
  settle?(): Promise<void>;
}

/** One decision about many connections at once: previewed as a plan, made in one step. */
export interface Action<Result> {
  /** Yields what would become of each connection it is about. Changes nothing. */
  plan(): AsyncIterable<PlanItem<undefined>>;
  /** Makes the decision; resolves when every process obeys it. */
  apply(actor: string): Promise<Result>;
}

/** Yields what a use case would do with each selected connection. Changes nothing. */
export async function* planFor<Change>(
  store: Pick<Store, 'connections'>,
  selection: Selection,
  { decide }: Pick<UseCase<Change, unknown>, 'decide'>,
): AsyncGenerator<PlanItem<Change>> {
  for await (const connection of select(store, selection)) {
    yield { ...(await decide(connection)), connection };
  }
}

/** What became of one line of a plan. */
export type Outcome<Result> =
  | { readonly kind: 'done'; readonly connection: Connection; readonly result: Result }
  | { readonly kind: 'skipped'; readonly connection: Connection; readonly skip: Skip }
  | { readonly kind: 'failed'; readonly connection: Connection; readonly error: KeyshiftError };

/** How {@link applyPlan} goes about it. */
export interface ApplyOptions<Result> extends Execution {
  /** Connections at the same time; 1 by default. */
  readonly concurrency?: number;
  /** Told of every connection when it is through. */
  readonly onOutcome?: (outcome: Outcome<Result>) => void | Promise<void>;
}

/**
 * Applies a plan, lazily made or kept for a while. One connection that fails does not stop the
 * others, and one that changed since it was planned is skipped. Ended early, by the signal or by a
 * crash, it is planned and applied again: what was done is planned no more.
 */
export async function applyPlan<Change, Result>(
  store: Pick<Store, 'connections'>,
  plan: AsyncIterable<PlanItem<Change>> | Iterable<PlanItem<Change>>,
  useCase: Pick<UseCase<Change, Result>, 'carryOut' | 'settle'>,
  options: ApplyOptions<Result>,
): Promise<void> {
  const { signal, onOutcome, concurrency = 1 } = options;
  let done = 0;
  const work = async (item: PlanItem<Change>) => {
    const outcome = await apply(store, item, useCase, options);
    if (outcome?.kind === 'done') done += 1;
    if (outcome) await onOutcome?.(outcome);
  };
  try {
    // A fault of ours ends the plan.
    await forEachConcurrently(plan, concurrency, work, () => signal?.aborted === true);
  } finally {
    if (done > 0) await useCase.settle?.();
  }
}

/**
 * Plans a use case for one customer and applies it.
 *
 * @throws KeyshiftError `connection_not_found`
 */
export async function applyTo<Change, Result>(
  store: Pick<Store, 'connections'>,
  customerId: string,
  useCase: UseCase<Change, Result>,
  execution: Omit<Execution, 'signal'>,
): Promise<Outcome<Result>> {
  const connection = await requireConnection(store, customerId);
  const plan = [{ ...(await useCase.decide(connection)), connection }];
  const outcomes: Outcome<Result>[] = [];
  const onOutcome = (outcome: Outcome<Result>) => void outcomes.push(outcome);
  await applyPlan(store, plan, useCase, { ...execution, onOutcome });
  const [outcome] = outcomes;
  if (!outcome) throw new Error('a plan that nothing ended came to no outcome');
  return outcome;
}

/** `undefined` when the signal ended it: the connection is as it was. */
async function apply<Change, Result>(
  store: Pick<Store, 'connections'>,
  item: PlanItem<Change>,
  { carryOut }: Pick<UseCase<Change, Result>, 'carryOut'>,
  execution: Execution,
): Promise<Outcome<Result> | undefined> {
  const { connection } = item;
  if (item.kind === 'skip') return { kind: 'skipped', connection, skip: item.skip };
  const changed = { kind: 'skipped', connection, skip: changedSince(connection) } as const;
  const current = await store.connections.findById(connection.id);
  if (current?.version !== connection.version) return changed;
  try {
    const result = await carryOut(connection, item.change, execution);
    return { kind: 'done', connection, result };
  } catch (error) {
    if (execution.signal?.aborted === true && error === execution.signal.reason) return undefined;
    if (!isKeyshiftError(error)) throw error;
    // Another hand may have come first while this one waited for Klaviyo.
    return error instanceof ConnectionChangedError
      ? changed
      : { kind: 'failed', connection, error };
  }
}

function changedSince({ customerId }: Connection): Skip {
  const message = `Customer ${customerId} has changed since this was planned.`;
  const fix = 'Run the command again: it uses the current state.';
  return { code: 'changed', error: new KeyshiftError('stage_conflict', message, { fix }) };
}
