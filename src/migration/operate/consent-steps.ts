import { mayBeVerified } from '../../model/connection.ts';
import { mayRetire } from '../../model/stages.ts';
import type { ProofDemand, Retire, RetirePolicy, RetireResult } from '../cutover/retire.ts';
import type { Verification, Verify } from '../consent/verify.ts';
import { otherStage, skip, willChange, type UseCase } from './plan.ts';

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
