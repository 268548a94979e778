import { isKeyshiftError } from '../errors/keyshift-error.ts';
import type { KlaviyoAccount } from '../klaviyo/account.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Connection } from '../model/connection.ts';
import type { Verification, Verify } from './verify.ts';

/**
 * Checks a connection whose consent was just saved. The consent stands whatever the checks say:
 * what has no answer now is asked again later, and answers `undefined`, as does a connection that
 * waits for no check.
 */
export type VerifyAfterConsent = (
  connection: Connection,
  account: KlaviyoAccount,
) => Promise<Verification | undefined>;

/** Creates the check. */
export function createVerifyAfterConsent(
  verify: Verify,
  logger: Pick<Logger, 'warn'>,
): VerifyAfterConsent {
  return async (connection, account) => {
    if (connection.stage !== 'authorized') return undefined;
    try {
      return await verify(connection, { actor: 'system', account });
    } catch (error) {
      if (!isKeyshiftError(error)) throw error;
      logger.warn({ customer: connection.customerId, reason: error.message }, 'not verified yet');
      return undefined;
    }
  };
}
