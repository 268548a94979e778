import type { SandboxContext } from '../context/sandbox-context.ts';
import { answerJson } from '../http/answers.ts';
import { formOf, trace, type SandboxCall } from '../http/sandbox-env.ts';
import { authenticateClient } from './authenticate-client.ts';
import { invalidClient, oauthError } from './oauth-error.ts';

/**
 * `POST /oauth/revoke`: uninstalls the app in the account the token belongs to. A token that is
 * unknown, or another app's, gets the same answer and changes nothing (RFC 7009 section 2.2).
 */
export function answerRevocation(c: SandboxCall, context: SandboxContext): Response {
  const { state, settings } = context;
  trace(c, { operation: 'oauth_revoke' });
  const app = authenticateClient(c, context);
  if (!app) return invalidClient(c);
  const token = formOf(c).get('token');
  if (!token) return oauthError(c, 'invalid_request', 'Missing "token" in request.');
  const install = state.installOfRefreshToken(token) ?? state.installOfAccessToken(token);
  if (install?.clientId === app.clientId) {
    state.removeInstall(install);
    trace(c, { accountId: install.accountId });
  }
  return settings.revocationBody === 'object'
    ? answerJson(c, {})
    : c.body(null, 200, { 'content-length': '0' });
}
