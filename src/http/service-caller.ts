import { KeyshiftError } from '../errors/keyshift-error.ts';
import { findServiceToken } from '../proxy/proxy-caller.ts';
import { checkGuess, type HttpContext, type HttpDeps } from './http-context.ts';

type CallerDeps = HttpDeps<'config' | 'guesses' | 'readOrigin'>;

/**
 * The name of the service whose token the request bears.
 *
 * @throws KeyshiftError `unauthenticated`, `too_many_attempts`
 */
export async function requireServiceToken(context: HttpContext, deps: CallerDeps): Promise<string> {
  const name = findService(context, deps);
  if (name !== undefined) return name;
  return refuseGuess(context, deps, 'The request needs Authorization: Bearer <service token>.');
}

/**
 * Passes a scraper: by the token of its own, or by any service token.
 *
 * @throws KeyshiftError `unauthenticated`, `too_many_attempts`
 */
export async function requireMetricsToken(context: HttpContext, deps: CallerDeps): Promise<void> {
  const { metricsToken } = deps.keyshift.config;
  const named = metricsToken && [{ name: 'metrics', token: metricsToken }];
  if (findServiceToken(context.req.header('authorization'), named ?? [])) return;
  if (findService(context, deps) !== undefined) return;
  await refuseGuess(
    context,
    deps,
    'The request needs Authorization: Bearer <KEYSHIFT_METRICS_TOKEN or a service token>.',
  );
}

function findService(context: HttpContext, { keyshift }: CallerDeps): string | undefined {
  const { serviceTokens } = keyshift.config;
  return findServiceToken(context.req.header('authorization'), serviceTokens)?.name;
}

function refuseGuess(context: HttpContext, deps: CallerDeps, message: string): Promise<never> {
  return checkGuess(context, deps, () => {
    throw new KeyshiftError('unauthenticated', message);
  });
}
