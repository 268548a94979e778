import { Hono } from 'hono';
import { isKeyshiftError, KeyshiftError } from '../../errors/keyshift-error.ts';
import { assertMayBegin } from '../../migration/consent/invitations.ts';
import {
  findRecipient,
  unsubscribe,
  type UnsubscribeLink,
} from '../../migration/outreach/unsubscribe.ts';
import { readForm } from '../form-body.ts';
import {
  checkGuess,
  labelsFor,
  mountPathOf,
  pageProps,
  type HttpContext,
  type HttpDeps,
  type HttpEnv,
} from '../http-context.ts';
import { copyScript } from '../pages/copy-script.ts';
import { HandOverPage } from '../pages/hand-over-page.tsx';
import { pageHeaders } from '../pages/page-policy.ts';
import { UnsubscribePage } from '../pages/unsubscribe-page.tsx';

type OutreachDeps = HttpDeps<
  'config' | 'store' | 'clock' | 'invitations' | 'outreach' | 'guesses' | 'readOrigin'
>;

/** Passing a link on, and asking for no more mail. Both do something by `POST` alone. */
export function createOutreachRoutes(deps: OutreachDeps): Hono<HttpEnv> {
  const { invitations, outreach } = deps.keyshift;
  const routes = new Hono<HttpEnv>();
  const findInvitation = async (context: HttpContext) => {
    const token = context.req.param('token') ?? '';
    const found = await checkGuess(context, deps, () => invitations.find(token));
    assertMayBegin(found, deps.keyshift.clock.now());
    return found;
  };

  routes.get('/:token/administrator', async (context) => {
    const { connection } = await findInvitation(context);
    return answerHandOver(context, deps, connection.id, {}, 200);
  });

  routes.post('/:token/administrator', async (context) => {
    const found = await findInvitation(context);
    const { id } = found.connection;
    if (!outreach.handOver)
      throw new KeyshiftError('not_found', 'Keyshift is not set up to send email.');
    const { address = '' } = await readForm(context);
    const recipient = address.trim().slice(0, 300);
    try {
      await outreach.handOver(found, recipient);
      return await answerHandOver(context, deps, id, { sentTo: recipient }, 200);
    } catch (error) {
      if (
        !isKeyshiftError(error, 'request_invalid') &&
        !isKeyshiftError(error, 'too_many_attempts')
      ) {
        throw error;
      }
      return answerHandOver(
        context,
        deps,
        id,
        { error: `${error.message} ${error.fix}` },
        error.status,
      );
    }
  });

  routes.get('/:token/unsubscribe/:message', async (context) => {
    await checkGuess(context, deps, () => findRecipient(deps.keyshift.store, linkOf(context)));
    return answerUnsubscribe(context, deps, false);
  });

  // The button of the page, and the one click of a mail program (RFC 8058).
  routes.post('/:token/unsubscribe/:message', async (context) => {
    await checkGuess(context, deps, () => unsubscribe(deps.keyshift, linkOf(context), 'customer'));
    return answerUnsubscribe(context, deps, true);
  });

  return routes;
}

function linkOf(context: HttpContext): UnsubscribeLink {
  const { token = '', message = '' } = context.req.param() as Record<string, string>;
  return { token, messageId: message };
}

async function answerHandOver(
  context: HttpContext,
  deps: OutreachDeps,
  connectionId: string,
  outcome: { readonly sentTo?: string; readonly error?: string },
  status: number,
) {
  const path = `/connect/${context.req.param('token')}`;
  const { config, outreach } = deps.keyshift;
  const here = `${mountPathOf(context, deps)}${path}`;
  return context.html(
    <HandOverPage
      {...pageProps(deps, context, await labelsFor(deps, connectionId))}
      {...outcome}
      scriptHref={`${mountPathOf(context, deps)}${copyScript.path}`}
      link={`${config.publicUrl}${path}`}
      backHref={here}
      formAction={outreach.handOver && `${here}/administrator`}
    />,
    status as 200,
    pageHeaders({ script: true }),
  );
}

function answerUnsubscribe(context: HttpContext, deps: HttpDeps<'config'>, done: boolean) {
  const { token, message } = context.req.param() as Record<string, string>;
  const action = `${mountPathOf(context, deps)}/connect/${token}/unsubscribe/${message}`;
  return context.html(
    <UnsubscribePage {...pageProps(deps, context)} formAction={action} done={done} />,
    200,
    pageHeaders(),
  );
}
