import { KeyshiftError } from '../../errors/keyshift-error.ts';
import type { Connection } from '../../model/connection.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Store } from '../../store/store.ts';
import { planFor, skip, willChange, type Action, type Decision } from './plan.ts';
import { requireConnection } from './selection.ts';

/** What these actions work with. */
export interface SingleDeps {
  readonly store: Store;
  readonly clock: Clock;
}

/** Repeats a share of one customer's reads over OAuth and compares the answers; 0 ends it. */
export function setShadowShare(
  { store, clock }: SingleDeps,
  customerId: string,
  percent: number,
): Action<Connection> {
  return {
    plan: () =>
      planFor(
        store,
        { customers: [customerId] },
        {
          decide({ shadowPercent = 0 }): Promise<Decision<undefined>> {
            if (shadowPercent === percent) {
              const message = `${percent} % of the reads of customer ${customerId} are already repeated.`;
              return Promise.resolve(skip('already', new KeyshiftError('stage_conflict', message)));
            }
            const share = `${percent} % of its reads are repeated over OAuth, instead of`;
            return Promise.resolve(willChange(undefined, `${share} ${shadowPercent} %`));
          },
        },
      ),
    async apply(actor) {
      const connection = await requireConnection(store, customerId);
      const atMs = clock.now();
      return store.transaction(async (tx) => {
        await tx.audit.append({
          atMs,
          actor,
          action: 'connection.shadow',
          connectionId: connection.id,
          fromStage: undefined,
          toStage: undefined,
          reason: `${percent} % of reads`,
        });
        const shadowPercent = percent === 0 ? undefined : percent;
        return tx.connections.update(connection, { shadowPercent }, atMs);
      });
    },
  };
}

/** No longer accepts a destroyed private key as the name of its customer. Final. */
export function forgetKey({ store, clock }: SingleDeps, customerId: string): Action<void> {
  function whyNot({ key }: Connection): KeyshiftError | undefined {
    if (key !== 'held') return undefined;
    return new KeyshiftError('stage_conflict', `The key of ${customerId} is still stored.`, {
      fix: 'Retire the connection first: `keyshift retire` destroys the key.',
    });
  }

  return {
    plan: () =>
      planFor(
        store,
        { customers: [customerId] },
        {
          async decide(connection): Promise<Decision<undefined>> {
            const refusal = whyNot(connection);
            return refusal
              ? skip('not_ready', refusal)
              : willChange(undefined, 'calls that arrive with its destroyed key are rejected');
          },
        },
      ),
    async apply(actor) {
      const connection = await requireConnection(store, customerId);
      const refusal = whyNot(connection);
      if (refusal) throw refusal;
      const forgotten = await store.transaction(async (tx) => {
        if (!(await tx.privateKeys.forget(connection.id))) return false;
        await tx.audit.append({
          atMs: clock.now(),
          actor,
          action: 'key.forgotten',
          connectionId: connection.id,
          fromStage: undefined,
          toStage: undefined,
          reason: undefined,
        });
        return true;
      });
      if (forgotten) return;
      throw new KeyshiftError('key_not_found', `There is no key of ${customerId} to forget.`, {
        fix: 'It was forgotten before, or the customer never had one.',
      });
    },
  };
}
