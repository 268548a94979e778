import type { SandboxContext } from '../context/sandbox-context.ts';
import { answerJson } from '../http/answers.ts';
import { formOf, trace, type SandboxCall } from '../http/sandbox-env.ts';
import type { App } from '../state/app.ts';
import { authenticateClient } from './authenticate-client.ts';
import { refuseCodeVerifier } from './code-challenge.ts';
import { installApp, refreshTokens, type IssuedTokens } from './install-tokens.ts';
import { invalidClient, oauthError } from './oauth-error.ts';

type Grant = (c: SandboxCall, context: SandboxContext, app: App, form: URLSearchParams) => Response;

const grants: ReadonlyMap<string, { readonly operation: string; readonly answer: Grant }> = new Map(
  [
    ['authorization_code', { operation: 'oauth_exchange', answer: exchangeCode }],
    ['refresh_token', { operation: 'oauth_refresh', answer: refresh }],
  ],
);

/**
 * `POST /oauth/token`: exchanges a code or refreshes. The grant type is looked at before the
 * client, as Authlib does.
 */
export function answerToken(c: SandboxCall, context: SandboxContext): Response {
  const form = formOf(c);
  const grantType = form.get('grant_type');
  const grant = grants.get(grantType ?? '');
  if (!grant) {
    const shown = grantType === null ? 'None' : grantType.slice(0, 50);
    return oauthError(c, 'unsupported_grant_type', `grant_type=${shown} is not supported`);
  }
  trace(c, { operation: grant.operation });
  const app = authenticateClient(c, context);
  return app ? grant.answer(c, context, app, form) : invalidClient(c);
}

function exchangeCode(
  c: SandboxCall,
  context: SandboxContext,
  app: App,
  form: URLSearchParams,
): Response {
  const presented = form.get('code');
  if (!presented) return oauthError(c, 'invalid_request', 'Missing "code" in request.');
  const code = context.state.codes.get(presented);
  if (!code || code.clientId !== app.clientId || code.expiresAtMs <= context.clock.now()) {
    return oauthError(c, 'invalid_grant', 'Invalid "code" in request.');
  }
  trace(c, { accountId: code.accountId });
  if (form.get('redirect_uri') !== code.redirectUri) {
    return oauthError(c, 'invalid_grant', 'Invalid "redirect_uri" in request.');
  }
  const refusal = refuseCodeVerifier(form.get('code_verifier'), code.codeChallenge);
  if (refusal) return oauthError(c, ...refusal);
  context.state.codes.delete(presented);
  return tokenAnswer(c, context, installApp(context, code));
}

function refresh(
  c: SandboxCall,
  context: SandboxContext,
  app: App,
  form: URLSearchParams,
): Response {
  const presented = form.get('refresh_token');
  if (!presented) return oauthError(c, 'invalid_request', 'Missing "refresh_token" in request.');
  const install = context.state.installOfRefreshToken(presented);
  if (install) trace(c, { accountId: install.accountId });
  const { refreshLimitPerMinute: limit, deadGrantError } = context.settings;
  const waitSec =
    install && limit !== null ? context.refreshLimiter.secondsUntilFree(install, limit) : undefined;
  if (waitSec !== undefined) {
    const description = `Request was throttled. Expected available in ${waitSec} seconds.`;
    return oauthError(c, 'throttled', description, 429, { 'retry-after': String(waitSec) });
  }
  const refreshed = refreshTokens(context, app.clientId, presented);
  return refreshed
    ? tokenAnswer(c, context, refreshed.tokens)
    : oauthError(c, deadGrantError, 'Invalid "refresh_token" in request.');
}

function tokenAnswer(c: SandboxCall, { settings }: SandboxContext, tokens: IssuedTokens): Response {
  return answerJson(c, {
    access_token: tokens.accessToken,
    token_type: 'bearer',
    expires_in: settings.announcedTtlSec ?? settings.accessTokenTtlSec,
    refresh_token: tokens.refreshToken,
    scope: tokens.scopes.join(' '),
  });
}
