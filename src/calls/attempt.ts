import { KeyshiftError } from '../errors/keyshift-error.ts';
import { toKeyshiftError } from '../runtime/http-client.ts';
import { errors } from '../runtime/undici-parts.ts';
import type { ApiResponse } from './api-response.ts';
import type { AttemptResult } from '../model/retry-policy.ts';

/** A call that was sent once and answered, however. */
export interface Answered {
  readonly reply: ApiResponse;
  readonly result: AttemptResult;
}

/** A call that was sent once, or tried to be, and got no answer. */
export interface Failed {
  readonly reply: undefined;
  readonly result: AttemptResult;
  readonly error: Error;
}

export type Attempt = Answered | Failed;

/** The attempt that an answer makes. */
export function toAnswered(reply: ApiResponse): Answered {
  const { status, headers } = reply;
  const edge = isFromEdge(status, headers.get('content-type'), headers.has('cf-mitigated'));
  return { reply, result: { kind: 'status', status, edge } };
}

/**
 * The attempt that a transport error makes.
 *
 * @throws KeyshiftError `request_invalid` when the call itself was at fault: no attempt helps
 */
export function toFailed(error: unknown, url: string): Failed {
  if (isMistake(error)) {
    throw new KeyshiftError('request_invalid', `The call cannot be sent: ${error.message}.`, {
      cause: error,
    });
  }
  return {
    reply: undefined,
    result: { kind: isUnsent(error) ? 'unsent' : 'broken' },
    error: toKeyshiftError(error, url),
  };
}

/** Whether Klaviyo refuses the credential. The edge's page says nothing about one. */
export function isUnauthorized(attempt: Attempt): attempt is Answered {
  const { result } = attempt;
  return result.kind === 'status' && result.status === 401 && !result.edge;
}

/** Whether Klaviyo's API refuses the credential or its scopes: then nothing was applied. */
export function isRefused(attempt: Attempt): attempt is Answered {
  const { result } = attempt;
  return result.kind === 'status' && refuses(result.status, result.edge);
}

/** Whether a status is the API's own 401 or 403. */
export function refuses(status: number, edge: boolean): boolean {
  return !edge && (status === 401 || status === 403);
}

/** An HTML page is the edge speaking: neither a verdict on the credential nor on its scopes. */
export function isFromEdge(
  status: number,
  contentType: string | null | undefined,
  mitigated: boolean,
): boolean {
  if (status >= 200 && status < 300) return false;
  return mitigated || contentType?.startsWith('text/html') === true;
}

function isMistake(error: unknown): error is Error {
  return (
    error instanceof errors.InvalidArgumentError ||
    error instanceof errors.NotSupportedError ||
    error instanceof errors.RequestContentLengthMismatchError
  );
}

/** Failures before a byte of the request went out. */
function isUnsent(error: unknown): boolean {
  if (error instanceof errors.ConnectTimeoutError) return true;
  // A host with several addresses fails with one error for each of them.
  if (error instanceof AggregateError) return error.errors.every(isUnsent);
  const { code, syscall } = error as NodeJS.ErrnoException;
  return syscall === 'connect' || code === 'ENOTFOUND' || code === 'EAI_AGAIN';
}
