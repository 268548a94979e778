import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono, type MiddlewareHandler } from 'hono';
import { answerApi } from './api/api-endpoint.ts';
import type { ApiReply } from './context/api-error.ts';
import { addOwnRoutes } from './control-pages/own-routes.tsx';
import type { SandboxControl } from './control/sandbox-control.ts';
import type { Engine } from './engine.ts';
import { injectFaults } from './faults/inject-faults.ts';
import { answerOnly } from './http/answers.ts';
import { readBody } from './http/read-body.ts';
import { pathOf, type SandboxCall, type SandboxEnv } from './http/sandbox-env.ts';
import { showConsent, takeDecision } from './oauth/authorization-endpoint.ts';
import { openInstallation, showMarketplace } from './oauth/marketplace.tsx';
import { postOnly } from './oauth/oauth-error.ts';
import { answerRevocation } from './oauth/revocation-endpoint.ts';
import { answerToken } from './oauth/token-endpoint.ts';

/** What the sandbox's app serves. */
export interface Serving {
  readonly engine: Engine;
  readonly control: SandboxControl;
  /** Aborted when the sandbox closes. */
  readonly signal: AbortSignal;
  /** Whether other machines may control the sandbox. */
  readonly remoteControl: boolean;
}

/** Largest body in bytes: the most an event may have (Klaviyo's OpenAPI file). */
const bodyLimit = 5 * 1024 * 1024;

/**
 * Creates the app that answers every request. No fault applies to the sandbox's own routes, which
 * could not end it then, and no log remembers them.
 */
export function createApp(serving: Serving): Hono<SandboxEnv> {
  const { engine, control, signal, remoteControl } = serving;
  const { context, faults } = engine;
  const app = new Hono<SandboxEnv>({ strict: false });
  app.onError((error) => {
    const detail = `A defect of the sandbox: ${error.name}.`;
    return toResponse(
      context.errors.error({ status: 500, code: 'error', title: 'A server error.', detail }),
    );
  });
  addOwnRoutes(app, { context, control }, remoteControl);

  app.use(readBody(bodyLimit), remember(engine), injectFaults({ context, faults, signal }));
  app.use(async (c, next) => (c.var.body ? next() : toResponse(tooLarge(engine))));
  for (const path of ['/api/*', '/client/*']) {
    app.all(path, (c) => toResponse(answerApi(context, c)));
  }
  app
    .get('/oauth/authorize', (c) => showConsent(c, context))
    .post((c) => takeDecision(c, context))
    .all((c) => answerOnly(c, 'GET', 'POST'));
  app.post('/oauth/token', (c) => answerToken(c, context)).all(postOnly);
  app.post('/oauth/revoke', (c) => answerRevocation(c, context)).all(postOnly);
  app
    .get('/marketplace', (c) => showMarketplace(c, context.state))
    .all((c) => answerOnly(c, 'GET', 'HEAD'));
  app
    .get('/marketplace/install', (c) => openInstallation(c, context.state))
    .all((c) => answerOnly(c, 'GET', 'HEAD'));
  app.notFound((c) => c.text('Nothing is here. GET / shows what the sandbox holds.\n', 404));
  return app;
}

/** Records each request with what became of it, and sends as much of the answer as a fault leaves. */
function remember({ context, log, changed }: Engine): MiddlewareHandler<SandboxEnv> {
  return async (c, next) => {
    await next();
    const { trace, fault, send } = c.var;
    log.record({
      atMs: context.clock.now(),
      method: c.req.method,
      path: pathOf(c),
      credential: trace?.credential ?? 'none',
      accountId: trace?.accountId,
      operation: trace?.operation,
      status: fault === 'reset_before' ? 0 : c.res.status,
      fault,
    });
    if (c.req.method !== 'GET') changed();
    if (send) await breakOff(c, send);
  };
}

async function breakOff(c: SandboxCall, send: 'half' | 'nothing'): Promise<void> {
  if (send === 'half') await c.env.sendHalf(c.res);
  else c.env.reset();
  c.res = undefined;
  c.res = RESPONSE_ALREADY_SENT;
}

function toResponse({ status, headers, body }: ApiReply): Response {
  if (status === 204) return new Response(null, { status, headers });
  // Said here, so that the answer to HEAD says it too.
  const length = String(Buffer.byteLength(body));
  const init = { status, headers: { ...headers, 'content-length': length } };
  // As bytes: a text would be given a content type, and Klaviyo's gateway says none.
  return new Response(body === '' ? null : Buffer.from(body), init);
}

function tooLarge({ context }: Engine): ApiReply {
  return context.errors.error({
    status: 413,
    code: 'payload_too_large',
    title: 'Payload too large.',
    detail: 'The body must not exceed 5 MB.',
  });
}
