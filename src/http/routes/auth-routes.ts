import { Hono } from 'hono';
import { z } from 'zod';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import { requireClient } from '../../core/read-config.ts';
import { disconnectStep } from '../../migration/operate/consent-steps.ts';
import { applyTo } from '../../migration/operate/plan.ts';
import { findCustomerIdProblem } from '../../model/customer.ts';
import { Secret } from '../../runtime/secret.ts';
import { setAttemptCookie } from '../cookies.ts';
import type { HttpDeps, HttpEnv } from '../http-context.ts';
import { readJsonBody } from '../json-body.ts';
import { requireSandboxThere } from '../sandbox-there.ts';
import { requireServiceToken } from '../service-caller.ts';
import { tokenHeaders, toTokenJson } from '../token-json.ts';
import { answerCallback, type CallbackDeps } from './auth-callback.tsx';

const refreshBody = z.object({
  refresh_token: z.string({ error: 'must be a string' }).trim().min(1, 'is empty').max(8_192),
});

const disconnectBody = z.object({
  customer: z.string({ error: 'must be a string' }).min(1, 'is empty'),
});

/** The OAuth routes under `/auth`, with the names and forms of Klaviyo's seed demo. */
export function createAuthRoutes(
  deps: CallbackDeps & HttpDeps<'tokens' | 'disconnect' | 'guesses' | 'readOrigin'>,
): Hono<HttpEnv> {
  const { config, authorizations, tokens, store, clock, disconnect } = deps.keyshift;
  const routes = new Hono<HttpEnv>();
  const development = config.mode === 'development';

  routes.get('/start', async (context) => {
    const customerId = context.req.query('customer');
    if (customerId !== undefined && !development) {
      throw new KeyshiftError(
        'customer_required',
        'Choosing the customer in the URL would let anyone connect their own account to that customer.',
      );
    }
    const problem = customerId === undefined ? undefined : findCustomerIdProblem(customerId);
    if (problem !== undefined) throw new KeyshiftError('request_invalid', `${problem}.`);
    await requireSandboxThere(config);
    const attempt = authorizations.start(customerId === undefined ? {} : { customerId });
    setAttemptCookie(context, attempt, config.redirectUri);
    return context.body(null, 302, { location: attempt.url, 'cache-control': 'no-store' });
  });

  // Klaviyo's marketplace opens this: the account that consents finds its customer by its id.
  routes.get('/install', async (context) => {
    await requireSandboxThere(config);
    const attempt = authorizations.start();
    setAttemptCookie(context, attempt, config.redirectUri);
    return context.body(null, 302, { location: attempt.url, 'cache-control': 'no-store' });
  });

  routes.get('/callback', (context) => answerCallback(context, deps));

  routes.post('/refresh', async (context) => {
    if (!development) await requireServiceToken(context, deps);
    const body = await readJsonBody(context, refreshBody);
    const pair = await tokens.refreshByToken(new Secret('refresh_token', body.refresh_token));
    return context.json(toTokenJson(pair, clock.now()), 200, tokenHeaders);
  });

  routes.post('/disconnect', async (context) => {
    const name = await requireServiceToken(context, deps);
    const { customer } = await readJsonBody(context, disconnectBody);
    const step = disconnectStep({ store, disconnect, clientId: requireClient(config).clientId });
    const outcome = await applyTo(store, customer, step, { actor: `service:${name}` });
    if (outcome.kind === 'failed') throw outcome.error;
    if (outcome.kind === 'skipped' && outcome.skip.code !== 'already') throw outcome.skip.error;
    const revoked = outcome.kind === 'done' && outcome.result;
    return context.json({ customer_id: customer, revoked });
  });

  return routes;
}
