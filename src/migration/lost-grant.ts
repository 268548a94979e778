import type { Grant } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import { consentedStages } from './invitations.ts';
import { backToKey, type StageMachine } from './stage-machine.ts';

/** Answers what to do when a grant is found dead: every connection of its account needs a person. */
export function flagLostGrant(options: {
  readonly store: Store;
  readonly machine: StageMachine;
}): (grant: Grant) => Promise<void> {
  const { store, machine } = options;
  return (grant) =>
    store.transaction(async (tx) => {
      for (const connection of await tx.connections.listByAccount(grant.accountId)) {
        if (!consentedStages.has(connection.stage)) continue;
        // A canary has its key beside it: no call has to fail.
        const patch = connection.route === 'canary' ? backToKey : {};
        await machine.flag(tx, connection, 'grant_lost', { actor: 'system', patch });
      }
    });
}
