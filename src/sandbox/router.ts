import { operations } from '../klaviyo/operations.ts';
import { answerApi } from './api/api-endpoint.ts';
import { handlers } from './api/handlers.ts';
import { answerControl, controlPrefix } from './control/answer-control.ts';
import type { ControlRoute } from './control/control-route.ts';
import { controlRoutes } from './control/control-routes.ts';
import type { SandboxControl } from './control/sandbox-control.ts';
import { jsonReply, textReply, type Reply } from './http/reply.ts';
import { trimSlash, type SandboxRequest } from './http/sandbox-request.ts';
import { answerAuthorize } from './oauth/authorization-endpoint.ts';
import { answerRevocation } from './oauth/revocation-endpoint.ts';
import { answerToken } from './oauth/token-endpoint.ts';
import { indexPage } from './pages/index-page.ts';
import { marketplacePage, openInstallation } from './pages/marketplace-page.ts';
import type { SandboxContext } from './sandbox-context.ts';

/** Answers what Klaviyo has: the API and OAuth. */
export function answer(context: SandboxContext, request: SandboxRequest): Reply {
  if (request.body === undefined) return tooLarge(context);
  if (/^\/(api|client)(\/|$)/.test(request.path)) return answerApi(context, request);
  switch (trimSlash(request.path)) {
    case '/oauth/authorize':
      return answerAuthorize(context, request);
    case '/oauth/token':
      return answerToken(context, request);
    case '/oauth/revoke':
      return answerRevocation(context, request);
    case '/marketplace':
      return getOnly(request, () => marketplacePage(context.state));
    case '/marketplace/install':
      return getOnly(request, () => openInstallation(context.state, request.search));
    default:
      return textReply(404, 'Nothing is here. GET / shows what the sandbox holds.\n');
  }
}

/** Answers what the sandbox has beside Klaviyo: its page, its help, its control routes. */
export function answerOwn(
  context: SandboxContext,
  control: SandboxControl,
  request: SandboxRequest,
): Reply {
  if (request.body === undefined) return tooLarge(context);
  switch (trimSlash(request.path)) {
    case '/':
      return getOnly(request, () => indexPage(context.state));
    case '/_sandbox/health':
      return getOnly(request, () => jsonReply(200, { status: 'ok' }));
    case '/_sandbox/help':
      return getOnly(request, () => textReply(200, helpText(context.origin)));
    default:
      return answerControl(control, request);
  }
}

function getOnly(request: SandboxRequest, reply: () => Reply): Reply {
  return request.method === 'GET' || request.method === 'HEAD'
    ? reply()
    : textReply(405, 'Use GET.\n', { allow: 'GET, HEAD' });
}

function tooLarge({ errors }: SandboxContext): Reply {
  return errors.error({
    status: 413,
    code: 'payload_too_large',
    title: 'Payload too large.',
    detail: 'The body must not exceed 5 MB.',
  });
}

function helpText(origin: string): string {
  const implemented = operations.filter(({ id }) => handlers.has(id));
  return `Klaviyo sandbox at ${origin}

OAuth
  GET  /oauth/authorize   consent page; no sign-in
  POST /oauth/token       authorization_code (PKCE S256) and refresh_token, HTTP Basic
  POST /oauth/revoke      uninstalls the app

API (Authorization: Bearer <access token> or Klaviyo-API-Key <private key>; revision header)
${implemented.map(({ method, path }) => `  ${method.padEnd(5)} ${path}`).join('\n')}

Every other operation of Klaviyo's API checks credential, revision, scopes and limits, then
answers 501 with the header Keyshift-Sandbox: not-implemented. A path and method that Klaviyo
does not have answers 404 with Keyshift-Sandbox: unknown-operation.

Control (from this machine; GET with a query, POST with form fields or JSON)
${controlRoutes.map(describeRoute).join('\n')}
`;
}

function describeRoute({ method, path, does, input }: ControlRoute): string {
  const fields = Object.keys(input.shape).join(', ');
  const place = `${controlPrefix}${path}`.padEnd(30);
  return `  ${method.padEnd(5)} ${place} ${does}${fields ? ` (${fields})` : ''}`;
}
