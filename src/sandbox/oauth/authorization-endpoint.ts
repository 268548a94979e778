import { randomToken } from '../../runtime/random.ts';
import type { SandboxContext } from '../context/sandbox-context.ts';
import { answerRedirect } from '../http/answers.ts';
import { formOf, queryOf, trace, type SandboxCall } from '../http/sandbox-env.ts';
import { answerMessage } from '../pages/layout.tsx';
import type { User, UserRole } from '../state/account.ts';
import {
  readAuthorization,
  type AuthorizationRequest,
  type ReadAuthorization,
} from './authorization-request.ts';
import { consentPage } from './consent-page.tsx';

type Answer = Response | Promise<Response>;

/** Who may install an app (Klaviyo documents these three for private keys). */
const approvers: readonly UserRole[] = ['owner', 'admin', 'manager'];

/**
 * `GET /oauth/authorize`: the consent page, whose form posts the decision back here. Nobody has to
 * sign in: the person chooses which account to be.
 */
export function showConsent(c: SandboxCall, { state }: SandboxContext): Answer {
  trace(c, { operation: 'oauth_authorize' });
  const read = readAuthorization(queryOf(c), state);
  return read.kind === 'request' ? consentPage(c, state, read.request) : refused(c, read);
}

/** `POST /oauth/authorize`: what the person decided. */
export function takeDecision(c: SandboxCall, context: SandboxContext): Answer {
  trace(c, { operation: 'oauth_consent' });
  const form = formOf(c);
  const read = readAuthorization(form, context.state);
  if (read.kind !== 'request') return refused(c, read);
  const decision = form.get('decision');
  if (decision === 'deny') return denied(c, read.request);
  const [accountId = '', email] = (form.get('account') ?? '').split(' ');
  const isAnswer = decision === 'allow' || decision === 'allow_expired';
  if (!isAnswer || !context.state.accounts.has(accountId)) {
    const message = 'Choose an account and press Allow or Deny.';
    return answerMessage(c, 400, 'No decision received', message);
  }
  trace(c, { accountId });
  const user = context.state.users.find((each) => each.email === email);
  if (user && !approvers.includes(user.role ?? 'owner')) return mayNotApprove(c, user);
  const lifetimeMs = decision === 'allow' ? context.settings.codeLifetimeSec * 1_000 : 0;
  const code = issueCode(context, read.request, { accountId, lifetimeMs });
  return redirectWith(c, read.request.redirectUri, { code, state: read.request.state });
}

/** Klaviyo does not send such a person back: the app hears nothing. */
function mayNotApprove(c: SandboxCall, { email, role = 'owner' }: User): Answer {
  return answerMessage(
    c,
    403,
    'You may not install apps',
    `${email} has the role ${role.replace('_', ' ')}. Ask an owner, admin or manager of the account to install the app.`,
  );
}

function issueCode(
  { state, clock, random }: SandboxContext,
  request: AuthorizationRequest,
  { accountId, lifetimeMs }: { readonly accountId: string; readonly lifetimeMs: number },
): string {
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
  return code;
}

function denied(c: SandboxCall, request: AuthorizationRequest): Response {
  return redirectWith(c, request.redirectUri, {
    error: 'access_denied',
    error_description: 'The resource owner or authorization server denied the request',
    state: request.state,
  });
}

function refused(c: SandboxCall, read: Exclude<ReadAuthorization, { kind: 'request' }>): Answer {
  if (read.kind === 'page') {
    return answerMessage(c, 400, 'This app cannot be installed', read.message);
  }
  return redirectWith(c, read.redirectUri, {
    error: read.error,
    error_description: read.description,
    ...(read.state === null ? {} : { state: read.state }),
  });
}

function redirectWith(
  c: SandboxCall,
  redirectUri: string,
  parameters: Readonly<Record<string, string>>,
): Response {
  const url = new URL(redirectUri);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.append(name, value);
  return answerRedirect(c, url.href);
}
