import { findOperation } from '../../klaviyo/operations.ts';
import { authenticate } from '../api/authenticate.ts';
import {
  formOf,
  pathOf,
  trimSlash,
  type RequestTrace,
  type SandboxCall,
} from '../http/sandbox-env.ts';
import type { SandboxContext } from '../context/sandbox-context.ts';

/** Which operation a request is and whose account it is about, before anything is done about it. */
export function foresee(context: SandboxContext, c: SandboxCall): RequestTrace {
  switch (trimSlash(pathOf(c))) {
    case '/oauth/token':
      return foreseeToken(context, formOf(c));
    case '/oauth/revoke':
      return named('oauth_revoke', accountOfToken(context, formOf(c).get('token')));
    case '/oauth/authorize':
      return { operation: c.req.method === 'POST' ? 'oauth_consent' : 'oauth_authorize' };
    default:
      return foreseeApi(context, c);
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

function foreseeApi({ state, clock }: SandboxContext, c: SandboxCall): RequestTrace {
  const operation = findOperation(c.req.method, pathOf(c))?.operation.id;
  if (operation === undefined) return {};
  const caller = authenticate(c.req.header('authorization'), state, clock.now());
  return named(operation, typeof caller === 'string' ? undefined : caller.account.id);
}

function named(operation: string, accountId: string | undefined): RequestTrace {
  return accountId === undefined ? { operation } : { operation, accountId };
}
