import { isKeyshiftError, KeyshiftError } from '../../errors/keyshift-error.ts';
import { maskAccountId } from '../../klaviyo/account.ts';
import {
  AccountMismatchError,
  ExchangeFailedError,
  type Consent,
} from '../../migration/consent/consent.ts';
import { hashToken } from '../../migration/consent/invitation-token.ts';
import { hasConsented } from '../../model/stages.ts';
import type { Authorization } from '../../model/authorization.ts';
import { clearAttemptCookie, readAttemptCookie } from '../attempt-cookie.ts';
import { answerError, logError, toKnownError } from '../error-answer.tsx';
import {
  mountPathOf,
  pageProps,
  wantsPage,
  type HttpContext,
  type HttpDeps,
} from '../http-context.ts';
import type { ConnectOutcome } from '../pages/connect-outcome.ts';
import { pageHeaders } from '../pages/page-policy.ts';
import { ResultPage } from '../pages/result-page.tsx';
import { tokenHeaders, toTokenJson } from '../token-json.ts';

export type CallbackDeps = HttpDeps<
  'config' | 'clock' | 'store' | 'authorizations' | 'completeConsent' | 'invitations'
>;

/**
 * Answers `GET /auth/callback`. Whatever arrives, the answer is a success or a clear 400: never
 * a 500 for what a browser or Klaviyo sent, and never a token outside of development.
 */
export async function answerCallback(context: HttpContext, deps: CallbackDeps): Promise<Response> {
  const query = new URL(context.req.url).searchParams;
  let attempt: Authorization | undefined;
  try {
    attempt = await deps.keyshift.authorizations.admit(query.get('state'), (cookieId) => {
      const nonce = readAttemptCookie(context, cookieId);
      if (nonce !== undefined) {
        clearAttemptCookie(context, cookieId, deps.keyshift.config.redirectUri);
      }
      return nonce;
    });
    const consent = await deps.keyshift.completeConsent(attempt, query);
    return await answerConsent(context, deps, attempt, consent);
  } catch (error) {
    const known = toKnownError(error);
    logError(context, deps, known);
    return await answerFailure(context, deps, known, attempt);
  }
}

async function answerConsent(
  context: HttpContext,
  deps: CallbackDeps,
  attempt: Authorization,
  { pair, account, connections, missingScopes }: Consent,
): Promise<Response> {
  const { config, clock } = deps.keyshift;
  const invited = attempt.invitationId !== undefined;
  // A customer's browser gets a page in either mode: the tokens are the integrator's.
  if (config.mode === 'development' && !invited) {
    return context.json(toTokenJson(pair, clock.now()), 200, tokenHeaders);
  }
  if (!account) {
    throw new KeyshiftError(
      'account_unverified',
      'Klaviyo did not say which account the sign-in belongs to.',
    );
  }
  const label = { name: account.name, maskedId: maskAccountId(account.accountId) };
  if (missingScopes.length > 0) {
    const retryHref = await retryHrefOf(context, deps, attempt);
    const outcome = { kind: 'permission_missing', missing: missingScopes, retryHref } as const;
    return answerOutcome(context, deps, outcome, 400);
  }
  const kind = connections.length > 0 ? 'connected' : 'installed';
  return answerOutcome(context, deps, { kind, account: label }, 200);
}

async function answerFailure(
  context: HttpContext,
  deps: CallbackDeps,
  error: KeyshiftError,
  attempt: Authorization | undefined,
): Promise<Response> {
  const retryHref = attempt && (await retryHrefOf(context, deps, attempt));
  if (wantsPage(context) && (await isRepeatedSuccess(context, deps, error))) {
    return answerOutcome(context, deps, { kind: 'already_connected' }, 200);
  }
  const invited = attempt?.invitationId !== undefined;
  const outcome = wantsPage(context) ? toOutcome(error, retryHref, invited) : undefined;
  return outcome
    ? answerOutcome(context, deps, outcome, error.status)
    : answerError(context, deps, error, retryHref);
}

function toOutcome(
  error: KeyshiftError,
  retryHref: string | undefined,
  invited: boolean,
): ConnectOutcome | undefined {
  if (error instanceof AccountMismatchError) {
    const { expected, chosen } = error;
    return { kind: 'wrong_account', expected, chosen, retryHref };
  }
  if (isKeyshiftError(error, 'authorization_denied')) return { kind: 'denied', retryHref };
  if (isKeyshiftError(error, 'state_expired')) return { kind: 'attempt_expired', retryHref };
  if (isKeyshiftError(error, 'approval_not_allowed')) {
    const handOverHref = invited ? `${retryHref ?? ''}/administrator` : undefined;
    return { kind: 'wrong_role', retryHref, handOverHref };
  }
  // Whoever is not invited is the developer, and is told more.
  if (!invited) return undefined;
  if (error.kind === 'upstream') return { kind: 'klaviyo_unavailable', retryHref };
  if (error instanceof ExchangeFailedError && error.reason === 'code_refused') {
    return { kind: 'attempt_expired', retryHref };
  }
  return undefined;
}

function answerOutcome(
  context: HttpContext,
  deps: CallbackDeps,
  outcome: ConnectOutcome,
  status: number,
): Response | Promise<Response> {
  if (!wantsPage(context)) {
    const body =
      outcome.kind === 'connected'
        ? { status: 'connected', account_name: outcome.account.name ?? null }
        : { status: outcome.kind };
    return context.json(body, status as 200, { 'cache-control': 'no-store', vary: 'accept' });
  }
  return context.html(
    <ResultPage
      {...pageProps(deps, context)}
      outcome={outcome}
      requestId={context.get('requestId')}
    />,
    status as 200,
    { ...pageHeaders(), vary: 'accept' },
  );
}

/** A callback that is opened again after it went well, as by the browser's reload button. */
async function isRepeatedSuccess(
  context: HttpContext,
  { keyshift: { store } }: CallbackDeps,
  error: KeyshiftError,
): Promise<boolean> {
  const state = context.req.query('state');
  if (!isKeyshiftError(error, 'state_reused') || state === undefined) return false;
  const attempt = await store.authorizations.find(hashToken(state));
  if (attempt?.invitationId === undefined) return false;
  const invitation = await store.invitations.findById(attempt.invitationId);
  const connection = invitation && (await store.connections.findById(invitation.connectionId));
  return connection !== undefined && hasConsented(connection);
}

/** Where the person may try again: the invitation's page, else the start. */
async function retryHrefOf(
  context: HttpContext,
  deps: CallbackDeps,
  { invitationId }: Authorization,
): Promise<string> {
  const { store, invitations } = deps.keyshift;
  const mountPath = mountPathOf(context, deps);
  if (invitationId === undefined) return `${mountPath}/auth/start`;
  // The failure that is being answered may be the database's.
  const invitation = await store.invitations.findById(invitationId).catch(() => undefined);
  const token = invitation && invitations.tokenOf(invitation);
  return token ? `${mountPath}/connect/${token.reveal()}` : `${mountPath}/auth/start`;
}
