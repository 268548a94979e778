import { isKeyshiftError } from '../errors/keyshift-error.ts';
import { parseApiError } from '../klaviyo/api-error.ts';
import type { ReplyHead, UpstreamOutcome } from './upstream-call.ts';

/** The class of the error that an attempt ended in, if it did; never a body. */
export function errorClassOf(outcome: UpstreamOutcome): string | undefined {
  if (outcome.kind === 'failed')
    return isKeyshiftError(outcome.error) ? outcome.error.code : 'network';
  if (outcome.head.status < 400) return undefined;
  return answerClassOf(outcome.head, outcome.kind === 'held' ? outcome.body : undefined);
}

/** A status with Klaviyo's code, where the body is known and holds one. */
export function answerClassOf({ status, edge }: ReplyHead, body: Buffer | undefined): string {
  if (edge) return `${status} edge`;
  const code = body && parseApiError(body.toString())?.code;
  return code !== undefined && /^[a-z_]{1,40}$/.test(code) ? `${status} ${code}` : `${status}`;
}
