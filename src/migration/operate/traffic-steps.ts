import { settledMs } from '../../calls/recent-reads.ts';
import { stageAfterRollBack, type Connection } from '../../model/connection.ts';
import type { KeyshiftError } from '../../errors/keyshift-error.ts';
import type { Clock } from '../../runtime/clock.ts';
import { whyNoCanary, whyNoCutover, whyNoRollback, type Cutover } from '../cutover/cutover.ts';
import type { Store } from '../../store/store.ts';
import type { Watch } from '../cutover/watch.ts';
import { planFor, skip, willChange, type Decision, type PlanItem, type UseCase } from './plan.ts';

/** A step that moves traffic between the credentials of a connection. */
export type TrafficStep = UseCase<undefined, Connection>;

/** What traffic steps work with. */
export interface TrafficStepDeps {
  readonly cutover: Cutover;
  readonly clock: Clock;
}

/** Sends a share of the calls over OAuth, or changes that share. */
export function canaryStep({ cutover, clock }: TrafficStepDeps, percent: number): TrafficStep {
  return {
    decide: async (connection) =>
      decide(whyNoCanary(connection), () => {
        const share = `${percent} % of its calls over OAuth`;
        if (connection.stage !== 'canary') return `${connection.stage} → canary: ${share}`;
        return `${share}, instead of ${connection.canaryPercent ?? 0} %`;
      }),
    carryOut: (connection, _change, { actor }) => cutover.startCanary(connection, percent, actor),
    settle: () => clock.sleep(settledMs),
  };
}

/** Sends all calls over OAuth. */
export function cutoverStep({ cutover, clock }: TrafficStepDeps): TrafficStep {
  return {
    decide: async (connection) =>
      decide(
        whyNoCutover(connection),
        () => `${connection.stage} → live: all of its calls over OAuth`,
      ),
    carryOut: (connection, _change, { actor }) => cutover.cutOver(connection, actor),
    settle: () => clock.sleep(settledMs),
  };
}

/** Sends all calls with the private key again. */
export function rollbackStep({ cutover, clock }: TrafficStepDeps, reason?: string): TrafficStep {
  return {
    decide: async (connection) =>
      decide(
        whyNoRollback(connection),
        () =>
          `${connection.stage} → ${stageAfterRollBack(connection)}: all of its calls with the private key`,
      ),
    carryOut: (connection, _change, { actor }) => cutover.rollBack(connection, actor, reason),
    settle: () => clock.sleep(settledMs),
  };
}

/** Yields what a round of the watch would do: which connections it would hold or verify. */
export async function* planWatch(
  store: Pick<Store, 'connections'>,
  watch: Pick<Watch, 'look'>,
): AsyncGenerator<PlanItem<undefined>> {
  for (const { connection, reason } of (await watch.look()).bad) {
    const end = connection.route === 'canary' ? 'back on its key' : 'still on OAuth';
    yield { ...willChange(undefined, `put on hold, ${end}: ${reason}`), connection };
  }
  yield* planFor(
    store,
    { stages: ['authorized'] },
    { decide: async () => willChange(undefined, 'its consent is checked in Klaviyo') },
  );
}

function decide(refusal: KeyshiftError | undefined, describe: () => string): Decision<undefined> {
  if (refusal === undefined) return willChange(undefined, describe());
  return skip(refusal.code === 'stage_conflict' ? 'other_stage' : 'no_credential', refusal);
}
