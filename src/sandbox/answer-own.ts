import { operations } from '../klaviyo/operations.ts';
import { coverageOf } from './api/resource-registry.ts';
import { answerControl } from './control-pages/answer-control.ts';
import { controlPrefix, type ControlRoute } from './control/control-route.ts';
import { controlRoutes } from './control/control-routes.ts';
import type { SandboxControl } from './control/sandbox-control.ts';
import { getOnly, jsonReply, textReply, type Reply } from './http/reply.ts';
import { trimSlash, type SandboxRequest } from './http/sandbox-request.ts';
import { formsPage } from './control-pages/forms-page.ts';
import { indexPage } from './control-pages/index-page.ts';
import type { SandboxContext } from './context/sandbox-context.ts';

/** Whether a path is the sandbox's own: its page, its help, its control routes. */
export function isOwn(path: string): boolean {
  return path === '/' || path === controlPrefix || path.startsWith(`${controlPrefix}/`);
}

/** Answers what the sandbox has beside Klaviyo. */
export function answerOwn(
  context: SandboxContext,
  control: SandboxControl,
  request: SandboxRequest,
): Reply {
  if (request.body === undefined) return textReply(413, 'The body must not exceed 512 MB.\n');
  switch (trimSlash(request.path)) {
    case '/':
    case controlPrefix:
      return getOnly(request, () => indexPage({ context, control }, request.search));
    case `${controlPrefix}/forms`:
      return getOnly(request, formsPage);
    case `${controlPrefix}/health`:
      return getOnly(request, () => jsonReply(200, { status: 'ok' }));
    case `${controlPrefix}/help`:
      return getOnly(request, () => textReply(200, helpText(context.origin)));
    default:
      return answerControl(control, request);
  }
}

function helpText(origin: string): string {
  const stateful = operations.filter(({ id }) => coverageOf(id) === 'stateful');
  return `Klaviyo sandbox at ${origin}

OAuth
  GET  /oauth/authorize   consent page; no sign-in
  POST /oauth/token       authorization_code (PKCE S256) and refresh_token, HTTP Basic
  POST /oauth/revoke      uninstalls the app

API (Authorization: Bearer <access token> or Klaviyo-API-Key <private key>; revision header)
${stateful.map(({ method, path }) => `  ${method.padEnd(5)} ${path}`).join('\n')}

Every other operation of Klaviyo's API checks credential, revision, scopes and limits, then
answers 501 with the header Keyshift-Sandbox: not-implemented, or a made-up resource with
Keyshift-Sandbox: sample. A path that Klaviyo does not have answers 404, a method 405, with
Keyshift-Sandbox: unknown-operation. docs/sandbox-coverage.md lists them all.

Control (from this machine; GET with a query, POST with form fields or JSON)
${controlRoutes.map(describeRoute).join('\n')}
`;
}

function describeRoute({ method, path, does, input }: ControlRoute): string {
  const fields = Object.keys(input.shape).join(', ');
  const place = `${controlPrefix}${path}`.padEnd(30);
  return `  ${method.padEnd(5)} ${place} ${does}${fields ? ` (${fields})` : ''}`;
}
