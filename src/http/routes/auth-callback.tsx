import { resultPathOf } from '../../core/config.ts';
import type { ErrorCode } from '../../errors/error-table.ts';
import { isKeyshiftError, KeyshiftError } from '../../errors/keyshift-error.ts';
import {
  AccountMismatchError,
  ExchangeFailedError,
  type Consent,
} from '../../migration/consent/consent.ts';
import { hashToken } from '../../migration/consent/invitation-token.ts';
import type { Authorization, AuthorizationRecord } from '../../model/authorization.ts';
import type { Invitation } from '../../model/invitation.ts';
import { attemptCookies, clearAttemptCookie, keepAttemptCookie } from '../cookies.ts';
import { answerError, logError, toKnownError } from '../error-answer.tsx';
import {
  labelsFor,
  mountPathOf,
  pageProps,
  wantsPage,
  type HttpContext,
  type HttpDeps,
} from '../http-context.ts';
import { linkOutcomes, type ConnectOutcome } from '../pages/connect-outcome.ts';
import { pageHeaders } from '../pages/page-policy.ts';
import { ResultPage } from '../pages/result-page.tsx';
import { tokenHeaders, toTokenJson } from '../token-json.ts';

export type CallbackDeps = HttpDeps<
  'config' | 'clock' | 'store' | 'authorizations' | 'completeConsent' | 'invitations'
>;

/**
 * How a sign-in ended, as it is kept for its browser: a page of its own, an error, or both, where
 * programs read the error. Links are made anew for each page.
 */
interface SignInEnd {
  readonly status: number;
  readonly requestId: string;
  readonly outcome?: ConnectOutcome | undefined;
  readonly error?: KeptError;
}

interface KeptError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly fix: string;
  readonly retryAfterSec?: number | undefined;
}

/**
 * Answers `GET /auth/callback`. Whatever arrives, the answer is a success or a clear 400: never
 * a 500 for what a browser or Klaviyo sent, and never a token outside of development. A person is
 * sent on to a page that can be looked at again.
 */
export async function answerCallback(context: HttpContext, deps: CallbackDeps): Promise<Response> {
  const { authorizations, completeConsent, config } = deps.keyshift;
  const query = new URL(context.req.url).searchParams;
  let attempt: Authorization | undefined;
  let end: SignInEnd;
  try {
    const readCookie = attemptCookies(context, config.redirectUri);
    attempt = await authorizations.admit(query.get('state'), readCookie);
    const consent = await completeConsent(attempt, query);
    if (isDemo(deps, attempt)) return answerTokens(context, deps, attempt, consent);
    end = endOfConsent(context, consent);
  } catch (error) {
    const known = toKnownError(error);
    logError(context, deps, known);
    const shown = isKeyshiftError(known, 'state_reused')
      ? await findShown(context, deps)
      : undefined;
    if (shown) return redirectToResult(context, deps, shown.stateHash);
    if (!attempt) return answerEnd(context, deps, endOfFailure(context, known, false));
    end = endOfFailure(context, known, attempt.invitationId !== undefined);
  }
  if (!wantsPage(context) || isDemo(deps, attempt)) {
    clearAttemptCookie(context, attempt.stateHash, config.redirectUri);
    return answerEnd(context, deps, end, attempt);
  }
  try {
    await deps.keyshift.store.authorizations.finish(attempt.stateHash, JSON.stringify(end));
  } catch (error) {
    logError(context, deps, toKnownError(error));
    return answerEnd(context, deps, end, attempt);
  }
  return redirectToResult(context, deps, attempt.stateHash);
}

/** For so long a page waits for a sign-in that is being completed. */
const patienceMs = 40_000;
const lookAgainMs = 200;

/**
 * Answers `GET /auth/callback/result?attempt=…`: how a sign-in ended, as often as its browser asks. It waits
 * for one that is being completed, as when a browser sent the callback twice.
 */
export async function answerResult(context: HttpContext, deps: CallbackDeps): Promise<Response> {
  const { authorizations, config, clock } = deps.keyshift;
  const stateHash = context.req.query('attempt') ?? '';
  const untilMs = clock.now() + patienceMs;
  for (;;) {
    const readCookie = attemptCookies(context, config.redirectUri);
    const attempt = await authorizations.recall(stateHash, readCookie);
    if (attempt.result !== undefined) {
      return answerEnd(context, deps, JSON.parse(attempt.result) as SignInEnd, attempt);
    }
    if (clock.now() >= untilMs) {
      // The process that completed it has ended: the person starts again.
      const requestId = context.get('requestId');
      const end = { status: 400, requestId, outcome: { kind: 'attempt_expired' } } as const;
      return answerEnd(context, deps, end, attempt);
    }
    await clock.sleep(lookAgainMs);
  }
}

/** The developer's own sign-in: it answers the tokens, as the seed demo does. */
function isDemo({ keyshift }: CallbackDeps, { invitationId }: AuthorizationRecord): boolean {
  // A customer's browser gets a page in either mode: the tokens are the integrator's.
  return keyshift.config.mode === 'development' && invitationId === undefined;
}

function answerTokens(
  context: HttpContext,
  { keyshift: { config, clock } }: CallbackDeps,
  attempt: Authorization,
  { pair }: Consent,
): Response {
  clearAttemptCookie(context, attempt.stateHash, config.redirectUri);
  return context.json(toTokenJson(pair, clock.now()), 200, tokenHeaders);
}

/** The attempt of a callback that came before, where its end is on a page. */
async function findShown(
  context: HttpContext,
  deps: CallbackDeps,
): Promise<AuthorizationRecord | undefined> {
  const { authorizations, config } = deps.keyshift;
  const state = context.req.query('state');
  if (!wantsPage(context) || state === undefined) return undefined;
  try {
    const readCookie = attemptCookies(context, config.redirectUri);
    const attempt = await authorizations.recall(hashToken(state), readCookie);
    return isDemo(deps, attempt) ? undefined : attempt;
  } catch {
    return undefined; // What is answered is why the callback itself was refused.
  }
}

function redirectToResult(context: HttpContext, deps: CallbackDeps, stateHash: string): Response {
  keepAttemptCookie(context, stateHash, deps.keyshift.config.redirectUri);
  const path = mountPathOf(context, deps) + resultPathOf(deps.keyshift.config);
  const location = `${path}?attempt=${stateHash}`;
  return context.body(null, 303, { location, 'cache-control': 'no-store', vary: 'accept' });
}

function endOfConsent(
  context: HttpContext,
  { account, connections, missingScopes }: Consent,
): SignInEnd {
  if (!account) {
    throw new KeyshiftError(
      'account_unverified',
      'Klaviyo did not say which account the sign-in belongs to.',
    );
  }
  const requestId = context.get('requestId');
  if (missingScopes.length > 0) {
    const outcome = { kind: 'permission_missing', missing: missingScopes } as const;
    return { status: 400, requestId, outcome };
  }
  const label = { name: account.name, id: account.accountId };
  const kind = connections.length > 0 ? 'connected' : 'installed';
  return { status: 200, requestId, outcome: { kind, account: label } };
}

function endOfFailure(context: HttpContext, failure: KeyshiftError, invited: boolean): SignInEnd {
  const { status, code, message, fix, retryAfterSec } = failure;
  return {
    status,
    requestId: context.get('requestId'),
    outcome: toOutcome(failure, invited),
    error: { code, message, fix, retryAfterSec },
  };
}

const toLabel = ({ name, accountId: id }: AccountMismatchError['expected']) => ({ name, id });

function toOutcome(error: KeyshiftError, invited: boolean): ConnectOutcome | undefined {
  if (error instanceof AccountMismatchError) {
    const [expected, chosen] = [toLabel(error.expected), toLabel(error.chosen)];
    return { kind: 'wrong_account', expected, chosen };
  }
  if (isKeyshiftError(error, 'authorization_denied')) return { kind: 'denied' };
  if (isKeyshiftError(error, 'state_expired')) return { kind: 'attempt_expired' };
  if (isKeyshiftError(error, 'approval_not_allowed')) return { kind: 'wrong_role' };
  const link = linkOutcomes.get(error.code);
  if (link) return { kind: link };
  // Whoever is not invited is the developer, and is told more.
  if (!invited) return undefined;
  if (error.kind === 'upstream') return { kind: 'klaviyo_unavailable' };
  if (error instanceof ExchangeFailedError && error.reason === 'code_refused') {
    return { kind: 'attempt_expired' };
  }
  return undefined;
}

async function answerEnd(
  context: HttpContext,
  deps: CallbackDeps,
  { status, requestId, outcome, error }: SignInEnd,
  attempt?: AuthorizationRecord,
): Promise<Response> {
  const asPage = wantsPage(context);
  // The failure that is being answered may be the database's.
  const invitation =
    attempt?.invitationId !== undefined && asPage
      ? await deps.keyshift.store.invitations.findById(attempt.invitationId).catch(() => undefined)
      : undefined;
  const retryHref = attempt && asPage ? retryHrefOf(context, deps, invitation) : undefined;
  if (error && !(outcome && asPage)) {
    const { code, message, fix, retryAfterSec } = error;
    const options = { fix, ...(retryAfterSec === undefined ? {} : { retryAfterSec }) };
    const failure = new KeyshiftError(code, message, options);
    return answerError(context, deps, failure, { retryHref, requestId });
  }
  if (!outcome) throw new KeyshiftError('internal', 'A sign-in has no end.');
  if (!asPage) {
    const body =
      outcome.kind === 'connected'
        ? { status: 'connected', account_name: outcome.account.name ?? null }
        : { status: outcome.kind };
    return context.json(body, status as 200, { 'cache-control': 'no-store', vary: 'accept' });
  }
  const invited = attempt?.invitationId !== undefined;
  return context.html(
    <ResultPage
      {...pageProps(deps, context, await labelsFor(deps, invitation?.connectionId))}
      outcome={withLinks(outcome, retryHref, invited)}
      requestId={requestId}
    />,
    status as 200,
    { ...pageHeaders(), vary: 'accept' },
  );
}

function withLinks(
  outcome: ConnectOutcome,
  retryHref: string | undefined,
  invited: boolean,
): ConnectOutcome {
  // A page without a way to try again has no place for one.
  if (outcome.kind !== 'wrong_role') return { ...outcome, retryHref } as ConnectOutcome;
  const handOverHref =
    invited && retryHref !== undefined ? `${retryHref}/administrator` : undefined;
  return { ...outcome, retryHref, handOverHref };
}

/** Where the person may try again: the invitation's page, else the start. */
function retryHrefOf(
  context: HttpContext,
  deps: CallbackDeps,
  invitation: Invitation | undefined,
): string {
  const mountPath = mountPathOf(context, deps);
  const token = invitation && deps.keyshift.invitations.tokenOf(invitation);
  return token ? `${mountPath}/connect/${token.reveal()}` : `${mountPath}/auth/start`;
}
