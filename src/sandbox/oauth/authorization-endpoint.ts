import { randomToken } from '../../runtime/random.ts';
import { redirectReply, textReply, traced, type Reply } from '../http/reply.ts';
import { readForm, type SandboxRequest } from '../http/sandbox-request.ts';
import { consentPage } from './consent-page.ts';
import { messagePage } from '../pages/message-page.ts';
import type { SandboxContext } from '../context/sandbox-context.ts';
import type { User, UserRole } from '../state/account.ts';
import {
  readAuthorization,
  type AuthorizationRequest,
  type ReadAuthorization,
} from './authorization-request.ts';

/** Who may install an app (Klaviyo documents these three for private keys). */
const approvers: readonly UserRole[] = ['owner', 'admin', 'manager'];

/**
 * `GET /oauth/authorize` shows the consent page, whose form posts the decision back here. Nobody
 * has to sign in: the person chooses which account to be.
 */
export function answerAuthorize(context: SandboxContext, request: SandboxRequest): Reply {
  if (request.method === 'GET') return traced(showConsent(context, request), authorizeTrace);
  if (request.method === 'POST') return decide(context, request);
  return textReply(405, 'Use GET or POST.\n', { allow: 'GET, POST' });
}

const authorizeTrace = { operation: 'oauth_authorize' };

function showConsent(context: SandboxContext, request: SandboxRequest): Reply {
  const read = readAuthorization(new URLSearchParams(request.search), context.state);
  return read.kind === 'request' ? consentPage(context.state, read.request) : refused(read);
}

function decide(context: SandboxContext, request: SandboxRequest): Reply {
  const trace = { operation: 'oauth_consent' };
  const form = readForm(request);
  const read = readAuthorization(form, context.state);
  if (read.kind !== 'request') return traced(refused(read), trace);
  const decision = form.get('decision');
  if (decision === 'deny') return traced(denied(read.request), trace);
  const [accountId = '', email] = (form.get('account') ?? '').split(' ');
  const isAnswer = decision === 'allow' || decision === 'allow_expired';
  if (!isAnswer || !context.state.accounts.has(accountId)) {
    const message = 'Choose one of the accounts and press Allow or Deny.';
    return traced(messagePage(400, 'That was not an answer', message), trace);
  }
  const user = context.state.users.find((each) => each.email === email);
  if (user && !approvers.includes(user.role ?? 'owner')) {
    return traced(mayNotApprove(user), { ...trace, accountId });
  }
  const lifetimeMs = decision === 'allow' ? context.settings.codeLifetimeSec * 1_000 : 0;
  const reply = allowed(context, read.request, { accountId, lifetimeMs });
  return traced(reply, { ...trace, accountId });
}

/** Klaviyo does not send such a person back: the app hears nothing. */
function mayNotApprove({ email, role = 'owner' }: User): Reply {
  return messagePage(
    403,
    'You may not install apps',
    `${email} has the role ${role.replace('_', ' ')}. Ask an owner, admin or manager of the account to install the app.`,
  );
}

function allowed(
  context: SandboxContext,
  request: AuthorizationRequest,
  { accountId, lifetimeMs }: { readonly accountId: string; readonly lifetimeMs: number },
): Reply {
  const { state, clock, random } = context;
  const nowMs = clock.now();
  for (const { code, expiresAtMs } of state.codes.values()) {
    if (expiresAtMs > nowMs) break;
    state.codes.delete(code);
  }
  const code = randomToken(random);
  state.codes.set(code, {
    code,
    clientId: request.app.clientId,
    accountId,
    redirectUri: request.redirectUri,
    scopes: request.scopes,
    codeChallenge: request.codeChallenge,
    expiresAtMs: nowMs + lifetimeMs,
  });
  return redirectWith(request.redirectUri, { code, state: request.state });
}

function denied(request: AuthorizationRequest): Reply {
  return redirectWith(request.redirectUri, {
    error: 'access_denied',
    error_description: 'The resource owner or authorization server denied the request',
    state: request.state,
  });
}

function refused(read: Exclude<ReadAuthorization, { kind: 'request' }>): Reply {
  if (read.kind === 'page') return messagePage(400, 'This app cannot be installed', read.message);
  return redirectWith(read.redirectUri, {
    error: read.error,
    error_description: read.description,
    ...(read.state === null ? {} : { state: read.state }),
  });
}

function redirectWith(redirectUri: string, parameters: Readonly<Record<string, string>>): Reply {
  const url = new URL(redirectUri);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.append(name, value);
  return redirectReply(url.href);
}
