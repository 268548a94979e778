import { answerApi } from './api/api-endpoint.ts';
import { getOnly, textReply, type Reply } from './http/reply.ts';
import { trimSlash, type SandboxRequest } from './http/sandbox-request.ts';
import { answerAuthorize } from './oauth/authorization-endpoint.ts';
import { answerRevocation } from './oauth/revocation-endpoint.ts';
import { answerToken } from './oauth/token-endpoint.ts';
import { marketplacePage, openInstallation } from './oauth/marketplace-page.ts';
import type { SandboxContext } from './context/sandbox-context.ts';

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

function tooLarge({ errors }: SandboxContext): Reply {
  return errors.error({
    status: 413,
    code: 'payload_too_large',
    title: 'Payload too large.',
    detail: 'The body must not exceed 5 MB.',
  });
}
