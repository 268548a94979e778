import { Hono } from 'hono';
import { isKeyshiftError } from '../../errors/keyshift-error.ts';
import { parseScopes } from '../../klaviyo/scope-set.ts';
import { assertMayBegin, type FoundInvitation } from '../../migration/consent/invitations.ts';
import { hasConsented } from '../../model/stages.ts';
import type { Labels } from '../../model/labels.ts';
import { requireSandboxThere } from '../sandbox-there.ts';
import { setAttemptCookie } from '../cookies.ts';
import { logError } from '../error-answer.tsx';
import {
  checkGuess,
  labelsFor,
  mountPathOf,
  pageProps,
  wantsPage,
  type HttpContext,
  type HttpDeps,
  type HttpEnv,
} from '../http-context.ts';
import { ConnectPage } from '../pages/connect-page.tsx';
import { linkOutcomes, type ConnectOutcome } from '../pages/connect-outcome.ts';
import type { PageLanguage } from '../pages/language.ts';
import { pageHeaders } from '../pages/page-policy.ts';
import { ResultPage } from '../pages/result-page.tsx';

type ConnectDeps = HttpDeps<
  'config' | 'clock' | 'store' | 'invitations' | 'authorizations' | 'guesses' | 'readOrigin'
>;

/** The pages a customer sees under `/connect`. Opening them consumes nothing. */
export function createConnectRoutes(deps: ConnectDeps): Hono<HttpEnv> {
  const { config, invitations, authorizations } = deps.keyshift;
  const routes = new Hono<HttpEnv>();

  routes.get('/:token', async (context) => {
    const token = context.req.param('token');
    const found = await findOrAnswer(context, deps, token);
    if (found instanceof Response) return found;
    // A HEAD request is a scanner's: the customer has seen nothing.
    if (context.req.method === 'GET') await invitations.open(found);
    const { connection, invitation } = found;
    const page = pageProps(deps, context, await labelsFor(deps, connection.id));
    return context.html(
      <ConnectPage
        {...page}
        customerName={connection.name}
        accountName={connection.accountName}
        accountId={connection.accountId}
        scopes={parseScopes(config.scope)}
        startHref={`${mountPathOf(context, deps)}/connect/${token}/start`}
        handOverHref={`${mountPathOf(context, deps)}/connect/${token}/administrator`}
        expiresAt={formatDay(invitation.expiresAtMs, page.language)}
      />,
      200,
      pageHeaders(),
    );
  });

  routes.get('/:token/start', async (context) => {
    const token = context.req.param('token');
    const found = await findOrAnswer(context, deps, token);
    if (found instanceof Response) return found;
    if (comesFromElsewhere(context)) {
      return context.body(null, 303, {
        location: `${mountPathOf(context, deps)}/connect/${token}`,
        'cache-control': 'no-store',
      });
    }
    await requireSandboxThere(config);
    const attempt = authorizations.start({ invitationId: found.invitation.id });
    setAttemptCookie(context, attempt, config.redirectUri);
    return context.body(null, 302, {
      location: attempt.url,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
    });
  });

  return routes;
}

/**
 * Whether a page of another site led here. A link that skips the page would take somebody to
 * Klaviyo who never read for whom the consent is.
 */
function comesFromElsewhere(context: HttpContext): boolean {
  return /^(cross|same)-site$/.test(context.req.header('sec-fetch-site') ?? '');
}

/** The invitation of a link, or the answer that tells why there is nothing to do with it. */
async function findOrAnswer(
  context: HttpContext,
  deps: ConnectDeps,
  token: string,
): Promise<FoundInvitation | Response> {
  try {
    const found = await checkGuess(context, deps, () => deps.keyshift.invitations.find(token));
    assertMayBegin(found, deps.keyshift.clock.now());
    if (!hasConsented(found.connection)) return found;
    const { id, accountId, accountName } = found.connection;
    const account = { name: accountName, id: accountId };
    const labels = await labelsFor(deps, id);
    return await answerOutcome(context, deps, { kind: 'already_connected', account }, 200, labels);
  } catch (error) {
    if (!isKeyshiftError(error) || !wantsPage(context)) throw error;
    const kind = linkOutcomes.get(error.code);
    if (!kind) throw error;
    logError(context, deps, error);
    return answerOutcome(context, deps, { kind }, error.status);
  }
}

function answerOutcome(
  context: HttpContext,
  deps: ConnectDeps,
  outcome: ConnectOutcome,
  status: number,
  labels?: Labels,
): Response | Promise<Response> {
  return context.html(
    <ResultPage {...pageProps(deps, context, labels)} outcome={outcome} />,
    status as 200,
    pageHeaders(),
  );
}

function formatDay(atMs: number, language: PageLanguage | undefined): string {
  return new Intl.DateTimeFormat(language === 'de' ? 'de-DE' : 'en-GB', {
    dateStyle: 'long',
    timeZone: 'UTC',
  }).format(atMs);
}
