import { jsonReply, traced, type Reply } from '../http/reply.ts';
import { readForm, type SandboxRequest } from '../http/sandbox-request.ts';
import type { SandboxContext } from '../context/sandbox-context.ts';
import type { App } from '../state/app.ts';
import { authenticateClient } from './authenticate-client.ts';
import { refuseCodeVerifier } from './code-challenge.ts';
import { installApp, refreshTokens, type IssuedTokens } from './install-tokens.ts';
import { invalidClient, oauthError, postOnly } from './oauth-error.ts';

type Grant = (context: SandboxContext, app: App, form: URLSearchParams) => Reply;

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
export function answerToken(context: SandboxContext, request: SandboxRequest): Reply {
  if (request.method !== 'POST') return postOnly();
  const form = readForm(request);
  const grantType = form.get('grant_type');
  const grant = grants.get(grantType ?? '');
  if (!grant) {
    const shown = grantType === null ? 'None' : grantType.slice(0, 50);
    return oauthError('unsupported_grant_type', `grant_type=${shown} is not supported`);
  }
  const app = authenticateClient(request, context);
  const reply = app ? grant.answer(context, app, form) : invalidClient();
  return traced(reply, { operation: grant.operation });
}

function exchangeCode(context: SandboxContext, app: App, form: URLSearchParams): Reply {
  const presented = form.get('code');
  if (!presented) return oauthError('invalid_request', 'Missing "code" in request.');
  const code = context.state.codes.get(presented);
  if (!code || code.clientId !== app.clientId || code.expiresAtMs <= context.clock.now()) {
    return oauthError('invalid_grant', 'Invalid "code" in request.');
  }
  const trace = { accountId: code.accountId };
  if (form.get('redirect_uri') !== code.redirectUri) {
    return traced(oauthError('invalid_grant', 'Invalid "redirect_uri" in request.'), trace);
  }
  const refusal = refuseCodeVerifier(form.get('code_verifier'), code.codeChallenge);
  if (refusal) return traced(refusal, trace);
  context.state.codes.delete(presented);
  return traced(tokenReply(context, installApp(context, code)), trace);
}

function refresh(context: SandboxContext, app: App, form: URLSearchParams): Reply {
  const presented = form.get('refresh_token');
  if (!presented) return oauthError('invalid_request', 'Missing "refresh_token" in request.');
  const install = context.state.installOfRefreshToken(presented);
  const trace = install ? { accountId: install.accountId } : {};
  const { refreshLimitPerMinute: limit } = context.settings;
  const waitSec =
    install && limit !== null ? context.refreshLimiter.secondsUntilFree(install, limit) : undefined;
  if (waitSec !== undefined) return traced(throttled(waitSec), trace);
  const refreshed = refreshTokens(context, app.clientId, presented);
  return traced(
    refreshed
      ? tokenReply(context, refreshed.tokens)
      : oauthError(context.settings.deadGrantError, 'Invalid "refresh_token" in request.'),
    trace,
  );
}

function throttled(retryAfterSec: number): Reply {
  const error_description = `Request was throttled. Expected available in ${retryAfterSec} seconds.`;
  return jsonReply(
    429,
    { error: 'throttled', error_description },
    { 'retry-after': String(retryAfterSec) },
  );
}

function tokenReply({ settings }: SandboxContext, tokens: IssuedTokens): Reply {
  return jsonReply(200, {
    access_token: tokens.accessToken,
    token_type: 'bearer',
    expires_in: settings.announcedTtlSec ?? settings.accessTokenTtlSec,
    refresh_token: tokens.refreshToken,
    scope: tokens.scopes.join(' '),
  });
}
