import { findOperation } from '../../klaviyo/operations.ts';
import { authenticate } from '../api/authenticate.ts';
import type { RequestTrace } from '../http/reply.ts';
import { readForm, trimSlash, type SandboxRequest } from '../http/sandbox-request.ts';
import type { SandboxContext } from '../context/sandbox-context.ts';

/** Which operation a request is and whose account it is about, before anything is done about it. */
export function foresee(context: SandboxContext, request: SandboxRequest): RequestTrace {
  switch (trimSlash(request.path)) {
    case '/oauth/token':
      return foreseeToken(context, readForm(request));
    case '/oauth/revoke':
      return named('oauth_revoke', accountOfToken(context, readForm(request).get('token')));
    case '/oauth/authorize':
      return { operation: request.method === 'POST' ? 'oauth_consent' : 'oauth_authorize' };
    default:
      return foreseeApi(context, request);
  }
}

function foreseeToken(context: SandboxContext, form: URLSearchParams): RequestTrace {
  if (form.get('grant_type') === 'refresh_token') {
    return named('oauth_refresh', accountOfToken(context, form.get('refresh_token')));
  }
  return named('oauth_exchange', context.state.codes.get(form.get('code') ?? '')?.accountId);
}

function accountOfToken({ state }: SandboxContext, token: string | null): string | undefined {
  if (token === null) return undefined;
  return (state.installOfRefreshToken(token) ?? state.installOfAccessToken(token))?.accountId;
}

function foreseeApi({ state, clock }: SandboxContext, request: SandboxRequest): RequestTrace {
  const operation = findOperation(request.method, request.path)?.operation.id;
  if (operation === undefined) return {};
  const caller = authenticate(request.headers.authorization, state, clock.now());
  return named(operation, typeof caller === 'string' ? undefined : caller.account.id);
}

function named(operation: string, accountId: string | undefined): RequestTrace {
  return accountId === undefined ? { operation } : { operation, accountId };
}
