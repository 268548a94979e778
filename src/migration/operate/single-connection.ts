import { isKeyshiftError, KeyshiftError } from '../../errors/keyshift-error.ts';
import type { Connection } from '../../model/connection.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Store } from '../../store/store.ts';
import {
  requireForeignConsent,
  whyNoOverride,
  type OverrideAccount,
} from '../consent/foreign-consent.ts';
import type { Verification } from '../consent/verify.ts';
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

/** What became of {@link acceptAccount}. */
export interface AcceptedAccount {
  readonly formerAccountId: string | undefined;
  readonly verification: Verification;
}

/** Accepts that a customer consented with an account other than its key's. */
export function acceptAccount(
  { store, overrideAccount }: Pick<SingleDeps, 'store'> & { overrideAccount: OverrideAccount },
  customerId: string,
  { accountId, reason }: { readonly accountId: string; readonly reason: string },
): Action<AcceptedAccount> {
  if (reason.trim() === '') {
    throw new KeyshiftError('request_invalid', 'The reason is empty.', {
      fix: 'Use --reason to say why this account is the right one.',
    });
  }

  async function decide(connection: Connection): Promise<Decision<undefined>> {
    const refusal = whyNoOverride(connection, accountId);
    if (refusal) return skip('other_stage', refusal);
    try {
      await requireForeignConsent(store, connection, accountId);
    } catch (error) {
      if (isKeyshiftError(error, 'grant_not_found')) return skip('no_credential', error);
      throw error;
    }
    const former = connection.accountId ?? 'unknown';
    const words = `account ${former} → ${accountId}; its consent is checked in Klaviyo`;
    return willChange(undefined, words);
  }

  return {
    plan: () => planFor(store, { customers: [customerId] }, { decide }),
    async apply(actor) {
      const connection = await requireConnection(store, customerId);
      const override = { accountId, reason: reason.trim(), actor };
      const verification = await overrideAccount(connection, override);
      return { formerAccountId: connection.accountId, verification };
    },
  };
}

/** Forgets how answers of both credentials compared, of one customer or of all. Final. */
export function clearComparisons(
  { store, clock }: SingleDeps,
  customerId: string | undefined,
): Action<void> {
  return {
    plan: () =>
      planFor(store, customerId === undefined ? {} : { customers: [customerId] }, {
        async decide({ id, customerId: whose }): Promise<Decision<undefined>> {
          const { length } = await store.shadow.list(id);
          if (length > 0) return willChange(undefined, 'its comparisons are forgotten');
          const message = `Customer ${whose} has no comparisons.`;
          return skip('already', new KeyshiftError('stage_conflict', message));
        },
      }),
    async apply(actor) {
      const connection =
        customerId === undefined ? undefined : await requireConnection(store, customerId);
      await store.transaction(async (tx) => {
        await tx.shadow.clear(connection?.id);
        await tx.audit.append({
          atMs: clock.now(),
          actor,
          action: 'shadow.cleared',
          connectionId: connection?.id,
          fromStage: undefined,
          toStage: undefined,
          reason: undefined,
        });
      });
    },
  };
}
