import { KeyshiftError } from '../../errors/keyshift-error.ts';
import { mayBeVerified, type Connection } from '../../model/connection.ts';
import { mayRetire } from '../../model/stages.ts';
import type { Store } from '../../store/store.ts';
import { mayBeDisconnected, sharesGrant, type Disconnect } from '../cutover/disconnect.ts';
import type { ProofDemand, Retire, RetirePolicy, RetireResult } from '../cutover/retire.ts';
import type { Verification, Verify } from '../consent/verify.ts';
import { otherStage, planFor, skip, willChange, type PlanItem, type UseCase } from './plan.ts';

/** Yields the connections whose keys a round of key checks would ask Klaviyo about. */
export function planKeyChecks(
  store: Pick<Store, 'connections'>,
): AsyncGenerator<PlanItem<undefined>> {
  return planFor(
    store,
    { stages: ['imported'] },
    { decide: async () => willChange(undefined, 'its key is checked in Klaviyo') },
  );
}

/**
 * Checks in Klaviyo what consents are worth. With `anyStage`, also of customers whose consent is
 * not on record: whoever installs the app from Klaviyo's side has a grant before that.
 */
export function verifyStep(
  verify: Verify,
  { anyStage = false }: { readonly anyStage?: boolean } = {},
): UseCase<undefined, Verification> {
  return {
    decide: async (connection) =>
      anyStage || mayBeVerified(connection)
        ? willChange(undefined, 'its consent is checked in Klaviyo')
        : otherStage(connection, 'there is no consent to verify'),
    carryOut: (connection, _change, { actor, signal }) =>
      verify(connection, { actor, ...(signal && { signal }) }),
  };
}

/** When keys are retired, and what has to prove that they are dead. */
export interface RetireStepRequest {
  readonly policy: RetirePolicy;
  readonly demand: ProofDemand;
}

/** Makes connections quiet, and destroys the keys that are dead in Klaviyo. Final. */
export function retireStep(
  retire: Retire,
  request: RetireStepRequest,
): UseCase<undefined, RetireResult> {
  return {
    async decide(connection) {
      if (!mayRetire(connection)) {
        return otherStage(connection, 'only live and quiet connections can be retired');
      }
      const obstacle = await retire.whyNot(connection, request.policy);
      if (obstacle && !obstacle.wakes) return skip('not_ready', obstacle.error);
      if (obstacle) return willChange(undefined, 'quiet → live: its key was used');
      const end = 'its stored key is destroyed';
      return willChange(
        undefined,
        request.demand.kind === 'none' ? `${end}, without proof` : `${end} if Klaviyo rejects it`,
      );
    },
    carryOut: (connection, _change, { actor, signal }) =>
      retire.retire(connection, { ...request, actor, ...(signal && { signal }) }),
  };
}

/** What {@link disconnectStep} works with. */
export interface DisconnectStepDeps {
  readonly store: Pick<Store, 'connections' | 'grants'>;
  readonly disconnect: Disconnect;
  readonly clientId: string;
}

/**
 * Ends the use of OAuth: revokes the grant, unless another customer lives on it, and goes back to
 * the private key. Final: the customer has to consent again. Results in whether it was revoked.
 */
export function disconnectStep(deps: DisconnectStepDeps): UseCase<undefined, boolean> {
  const { store, disconnect, clientId } = deps;

  async function hasGrant({ accountId }: Connection): Promise<boolean> {
    if (accountId === undefined) return false;
    return (await store.grants.find({ clientId, accountId }))?.state === 'active';
  }

  return {
    async decide(connection) {
      if (!mayBeDisconnected(connection)) {
        // Whoever installs the app from Klaviyo's side has a grant before the consent is on record.
        if (await hasGrant(connection)) return willChange(undefined, 'its grant is revoked');
        const message = `Customer ${connection.customerId} does not use OAuth.`;
        return skip('already', new KeyshiftError('stage_conflict', message));
      }
      const grant = (await sharesGrant(store, connection))
        ? 'another customer keeps its grant'
        : 'its grant is revoked';
      const rest =
        connection.key === 'held'
          ? 'checked: all of its calls with the private key'
          : 'attention: it has no credential left';
      return willChange(undefined, `${connection.stage} → ${rest}; ${grant}`);
    },
    carryOut: (connection, _change, { actor }) => disconnect(connection, actor),
  };
}
