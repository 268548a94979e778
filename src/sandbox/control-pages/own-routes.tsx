import type { Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { isKeyshiftError, KeyshiftError } from '../../errors/keyshift-error.ts';
import { operations } from '../../klaviyo/operations.ts';
import { coverageOf } from '../api/resource-registry.ts';
import { controlPrefix, type ControlRoute } from '../control/control-route.ts';
import { controlRoutes } from '../control/control-routes.ts';
import { refuseControl } from '../control/guard-control.ts';
import { readInput } from '../control/read-input.ts';
import type { SandboxControl } from '../control/sandbox-control.ts';
import { answerJson, answerOnly, answerRedirect } from '../http/answers.ts';
import { readBody } from '../http/read-body.ts';
import {
  formOf,
  isForm,
  trimSlash,
  pathOf,
  type SandboxCall,
  type SandboxEnv,
} from '../http/sandbox-env.ts';
import { answerMessage, answerPage } from '../pages/layout.tsx';
import type { ControlPage } from './accounts-section.tsx';
import { showForms } from './forms-page.tsx';
import { showIndex } from './index-page.tsx';

/** Largest body of the sandbox's own routes in bytes: snapshots and seeds may hold many accounts. */
const bodyLimit = 512 * 1024 * 1024;

/**
 * Adds what is the sandbox's own: its page, its help, its control routes. Whoever may not use them
 * is refused before the body is read.
 *
 * @param remoteControl whether other machines may
 */
export function addOwnRoutes(
  app: Hono<SandboxEnv>,
  page: ControlPage,
  remoteControl: boolean,
): void {
  for (const path of ['/', `${controlPrefix}/*`]) {
    app.use(path, async (c, next) => {
      const { method } = c.req;
      const { remoteAddress } = c.env;
      const reason = refuseControl(
        { method, headers: c.req.header(), remoteAddress },
        remoteControl,
      );
      return reason === undefined ? next() : c.text(`${reason}\n`, 403);
    });
    app.use(path, readBody(bodyLimit), async (c, next) =>
      c.var.body ? next() : c.text('The body must not exceed 512 MB.\n', 413),
    );
  }
  const pages: Readonly<Record<string, (c: SandboxCall) => Response | Promise<Response>>> = {
    '/': (c) => showIndex(c, page),
    [controlPrefix]: (c) => showIndex(c, page),
    [`${controlPrefix}/forms`]: showForms,
    [`${controlPrefix}/health`]: (c) => answerJson(c, { status: 'ok' }),
    [`${controlPrefix}/help`]: (c) => c.text(helpText(page.context.origin)),
  };
  for (const [path, show] of Object.entries(pages)) {
    app.get(path, show).all(path, (c) => answerOnly(c, 'GET', 'HEAD'));
  }
  for (const route of controlRoutes) {
    app.on(route.method, `${controlPrefix}${route.path}`, (c) => run(c, page.control, route));
  }
  app.all(`${controlPrefix}/*`, answerUnknown);
}

/** Does what a control route does: answers JSON, or for the form of a page a page. */
function run(
  c: SandboxCall,
  control: SandboxControl,
  route: ControlRoute,
): Response | Promise<Response> {
  const isPage = isForm(c) && c.req.header('accept')?.includes('text/html') === true;
  try {
    const result = route.run(control, readInput(route, c)) ?? {};
    return isPage ? pageAfter(c, route, result) : answerJson(c, result);
  } catch (error) {
    if (!isKeyshiftError(error)) throw error;
    const status = error.status as ContentfulStatusCode;
    return isPage
      ? answerMessage(c, status, error.title, `${error.message} ${error.fix}`)
      : answerJson(c, error, status);
  }
}

/** Back to where the form was, unless the answer is what the person wanted. */
function pageAfter(
  c: SandboxCall,
  { does, shows }: ControlRoute,
  result: unknown,
): Response | Promise<Response> {
  const back = formOf(c).get('_back') ?? '';
  // A path of ours only: nobody is to be sent elsewhere.
  const location = /^\/(_sandbox\/forms)?(\?q=[\w%+.@-]*)?(#[\w-]*)?$/.test(back) ? back : '/';
  if (shows !== true) return answerRedirect(c, location, 303);
  const body = (
    <>
      <p>The sandbox {does}. What you see below is shown only once.</p>
      <pre tabindex={0}>{JSON.stringify(result, null, 2)}</pre>
      <p>
        <a href={location}>Back</a>
      </p>
    </>
  );
  return answerPage(c, { title: 'Done', body });
}

function answerUnknown(c: SandboxCall): Response {
  const path = trimSlash(pathOf(c)).slice(controlPrefix.length);
  const allowed = controlRoutes.filter((route) => route.path === path).map(({ method }) => method);
  if (allowed.length > 0) return answerOnly(c, ...allowed);
  const error = new KeyshiftError('not_found', 'The sandbox has no such control route.', {
    fix: `GET ${controlPrefix}/help lists them.`,
  });
  return answerJson(c, error, 404);
}

function helpText(origin: string): string {
  const stateful = operations.filter(({ id }) => coverageOf(id) === 'stateful');
  return `Klaviyo sandbox at ${origin}

OAuth
  GET  /oauth/authorize   consent page, without sign-in
  POST /oauth/token       authorization_code (PKCE S256) and refresh_token, HTTP Basic
  POST /oauth/revoke      uninstalls the app

API (Authorization: Bearer <access token> or Klaviyo-API-Key <private key>; revision header)
${stateful.map(({ method, path }) => `  ${method.padEnd(5)} ${path}`).join('\n')}

Every other operation of Klaviyo's API checks credential, revision, scopes and limits, then
returns 501 with the header Keyshift-Sandbox: not-implemented, or a made-up resource with
Keyshift-Sandbox: sample. A path that Klaviyo does not have returns 404, a method 405, with
Keyshift-Sandbox: unknown-operation. docs/sandbox-coverage.md lists them all.

Control (from this machine; GET with a query, POST with form fields or JSON)
${controlRoutes.map(describeRoute).join('\n')}
`;
}

function describeRoute({ method, path, does, input }: ControlRoute): string {
  const fields = Object.keys(input.shape).join(', ');
  const place = `${controlPrefix}${path}`.padEnd(30);
  return `  ${method.padEnd(5)} ${place} ${does}${fields ? ` (${fields})` : ''}`;
}
