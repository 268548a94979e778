import { jsonReply, traced, type Reply } from '../http/reply.ts';
import { readForm, type SandboxRequest } from '../http/sandbox-request.ts';
import type { SandboxContext } from '../context/sandbox-context.ts';
import { authenticateClient } from './authenticate-client.ts';
import { invalidClient, oauthError, postOnly } from './oauth-error.ts';

/**
 * `POST /oauth/revoke`: uninstalls the app in the account the token belongs to. A token that is
 * unknown, or another app's, gets the same answer and changes nothing (RFC 7009 section 2.2).
 */
export function answerRevocation(context: SandboxContext, request: SandboxRequest): Reply {
  if (request.method !== 'POST') return postOnly();
  const { state, settings } = context;
  const trace = { operation: 'oauth_revoke' };
  const app = authenticateClient(request, context);
  if (!app) return traced(invalidClient(), trace);
  const done = settings.revocationBody === 'object' ? jsonReply(200, {}) : emptyReply;
  const token = readForm(request).get('token');
  if (!token) return traced(oauthError('invalid_request', 'Missing "token" in request.'), trace);
  const install = state.installOfRefreshToken(token) ?? state.installOfAccessToken(token);
  if (install?.clientId !== app.clientId) return traced(done, trace);
  state.removeInstall(install);
  return traced(done, { ...trace, accountId: install.accountId });
}

const emptyReply: Reply = { status: 200, headers: {}, body: '' };
