import { backToKey } from '../../model/connection.ts';
import type { Grant } from '../../model/grant.ts';
import { canMove, hasConsented } from '../../model/stages.ts';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../runtime/clock.ts';
import { replaceByForeignConsent } from './foreign-consent.ts';
import type { StageMachine } from '../stage-machine.ts';

/** What lost and regained grants are written with. */
export interface LostGrantOptions {
  readonly store: Store;
  readonly machine: StageMachine;
}

/**
 * Returns what to do when a grant is found dead: every connection of its account needs a person.
 * It takes the store of the transaction that marks the grant.
 */
export function flagLostGrant({
  machine,
  clock,
}: Omit<LostGrantOptions, 'store'> & { readonly clock: Clock }): (
  grant: Grant,
  store: Store,
) => Promise<void> {
  return (grant, store) =>
    store.transaction(async (tx) => {
      if (await replaceByForeignConsent(tx, grant, clock.now())) return;
      for (const connection of await tx.connections.listByAccount(grant.accountId)) {
        if (!hasConsented(connection)) continue;
        // A canary has its key beside it: no call has to fail.
        const change = connection.route === 'canary' ? { way: backToKey(connection) } : {};
        await machine.flag(tx, connection, 'grant_lost', { actor: 'system', change });
      }
    });
}

/**
 * Answers what to do when a grant that was called lost lives: a late answer of Klaviyo brought it
 * back, and nobody has to connect again.
 */
export function unflagRegainedGrant({
  store,
  machine,
}: LostGrantOptions): (grant: Grant) => Promise<void> {
  return (grant) =>
    store.transaction(async (tx) => {
      for (const connection of await tx.connections.listByAccount(grant.accountId)) {
        const { attentionReason, attentionFrom } = connection;
        if (attentionReason !== 'grant_lost') continue;
        const to = canMove('attention', attentionFrom) ? attentionFrom : 'verified';
        await machine.move(tx, connection, to, { actor: 'system', reason: 'grant_regained' });
      }
    });
}
