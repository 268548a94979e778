import { isKeyshiftError, KeyshiftError } from '../../errors/keyshift-error.ts';
import { storesKey, type Connection } from '../../model/connection.ts';
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

/** What is to become of the comparison of reads. */
export interface ShadowChange {
  /** Whose; without a name, everybody's comparisons. */
  readonly customerId?: string | undefined;
  /** Share of the customer's reads that is repeated over OAuth and compared; 0 ends it. */
  readonly percent?: number | undefined;
  /** Forgets the comparisons made so far. */
  readonly clear?: boolean | undefined;
}

/**
 * Changes which reads are repeated over OAuth and compared, and forgets earlier comparisons.
 *
 * @throws KeyshiftError `request_invalid` for a share without a customer
 */
export function changeShadow(
  { store, clock }: SingleDeps,
  { customerId, percent, clear = false }: ShadowChange,
): Action<void> {
  if (percent !== undefined && customerId === undefined) {
    throw new KeyshiftError('request_invalid', 'A share of the reads is set for one customer.', {
      fix: 'Say which with --customer ID.',
    });
  }

  async function decide(connection: Connection): Promise<Decision<undefined>> {
    const { id, shadowPercent: before = 0 } = connection;
    const changes = [];
    if (percent !== undefined && percent !== before) {
      changes.push(`${percent} % of its reads are repeated over OAuth, instead of ${before} %`);
    }
    if (clear && (await store.shadow.list(id)).length > 0) {
      changes.push('its comparisons are forgotten');
    }
    if (changes.length > 0) return willChange(undefined, changes.join('; '));
    const message = `Nothing changes for the reads of customer ${connection.customerId}.`;
    return skip('already', new KeyshiftError('stage_conflict', message));
  }

  return {
    plan: () =>
      planFor(store, customerId === undefined ? {} : { customers: [customerId] }, { decide }),
    async apply(actor) {
      const connection =
        customerId === undefined ? undefined : await requireConnection(store, customerId);
      const atMs = clock.now();
      const event = {
        ...{ atMs, actor, connectionId: connection?.id },
        ...{ fromStage: undefined, toStage: undefined },
      };
      await store.transaction(async (tx) => {
        if (clear) {
          await tx.shadow.clear(connection?.id);
          await tx.audit.append({ ...event, action: 'shadow.cleared', reason: undefined });
        }
        if (connection && percent !== undefined) {
          const reason = `${percent} % of reads`;
          await tx.audit.append({ ...event, action: 'connection.shadow', reason });
          const shadowPercent = percent === 0 ? undefined : percent;
          await tx.connections.update(connection, { shadowPercent }, atMs);
        }
      });
    },
  };
}

/** No longer accepts a destroyed private key as the name of its customer. Final. */
export function forgetKey({ store, clock }: SingleDeps, customerId: string): Action<void> {
  function whyNot(connection: Connection): KeyshiftError | undefined {
    if (!storesKey(connection)) return undefined;
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
