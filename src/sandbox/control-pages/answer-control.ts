import { isKeyshiftError, KeyshiftError } from '../../errors/keyshift-error.ts';
import { jsonReply, textReply, type Reply } from '../http/reply.ts';
import { readForm, trimSlash, type SandboxRequest } from '../http/sandbox-request.ts';
import { resultPage } from './result-page.ts';
import { messagePage } from '../pages/message-page.ts';
import { controlPrefix, type ControlRoute } from '../control/control-route.ts';
import { controlRoutes } from '../control/control-routes.ts';
import { isForm, readInput } from '../control/read-input.ts';
import type { SandboxControl } from '../control/sandbox-control.ts';

/**
 * Answers a request below `/_sandbox/` by the table of control routes: JSON, or for the form of a
 * page a page.
 */
export function answerControl(control: SandboxControl, request: SandboxRequest): Reply {
  const routes = routesAt(request);
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const route = routes.find((candidate) => candidate.method === method);
  if (!route) return unknownRoute(routes);
  const isPage = isForm(request) && request.headers.accept?.includes('text/html') === true;
  try {
    const result = route.run(control, readInput(route, request)) ?? {};
    return isPage ? pageAfter(route, request, result) : jsonReply(200, result);
  } catch (error) {
    if (!isKeyshiftError(error)) throw error;
    return isPage
      ? messagePage(error.status, error.title, `${error.message} ${error.fix}`)
      : jsonReply(error.status, error);
  }
}

function routesAt(request: SandboxRequest): readonly ControlRoute[] {
  const path = trimSlash(request.path).slice(controlPrefix.length);
  return controlRoutes.filter((route) => route.path === path);
}

function unknownRoute(routes: readonly ControlRoute[]): Reply {
  const allowed = routes.map(({ method }) => method);
  if (allowed.length > 0) {
    return textReply(405, `Use ${allowed.join(' or ')}.\n`, { allow: allowed.join(', ') });
  }
  const error = new KeyshiftError('not_found', 'The sandbox has no such control route.', {
    fix: `GET ${controlPrefix}/help lists them.`,
  });
  return jsonReply(error.status, error);
}

/** Back to where the form was, unless the answer is what the person wanted. */
function pageAfter(route: ControlRoute, request: SandboxRequest, result: unknown): Reply {
  const back = readForm(request).get('_back') ?? '';
  // A path of ours only: nobody is to be sent elsewhere.
  const location = /^\/(_sandbox\/forms)?(\?q=[\w%+.@-]*)?(#[\w-]*)?$/.test(back) ? back : '/';
  if (route.shows === true) return resultPage(route.does, result, location);
  return { status: 303, headers: { location, 'cache-control': 'no-store' }, body: '' };
}
