import { isKeyshiftError, KeyshiftError } from '../../errors/keyshift-error.ts';
import { jsonReply, textReply, type Reply } from '../http/reply.ts';
import { mediaType, trimSlash, type SandboxRequest } from '../http/sandbox-request.ts';
import { isJsonObject } from '../json-object.ts';
import { describeIssue } from '../describe-issue.ts';
import type { ControlRoute } from './control-route.ts';
import { controlRoutes } from './control-routes.ts';
import type { SandboxControl } from './sandbox-control.ts';

/** Under which path the control routes are. */
export const controlPrefix = '/_sandbox';

/** Answers a request below `/_sandbox/` by the table of control routes. */
export function answerControl(control: SandboxControl, request: SandboxRequest): Reply {
  const routes = routesAt(request);
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const route = routes.find((candidate) => candidate.method === method);
  if (!route) return unknownRoute(routes);
  try {
    return jsonReply(200, route.run(control, readInput(route, request)) ?? {});
  } catch (error) {
    if (isKeyshiftError(error)) return errorReply(error);
    throw error;
  }
}

function routesAt(request: SandboxRequest): readonly ControlRoute[] {
  const path = trimSlash(request.path).slice(controlPrefix.length);
  return controlRoutes.filter((route) => route.path === path);
}

function unknownRoute(routes: readonly ControlRoute[]): Reply {
  const allowed = routes.map(({ method }) => method);
  if (allowed.length === 0) {
    return errorReply(
      new KeyshiftError('not_found', 'The sandbox has no such control route.', {
        fix: `GET ${controlPrefix}/help lists them.`,
      }),
    );
  }
  return textReply(405, `Use ${allowed.join(' or ')}.\n`, { allow: allowed.join(', ') });
}

/** The input of a route: from the query of a GET, from the form or JSON body of a POST. */
function readInput(route: ControlRoute, request: SandboxRequest): unknown {
  if (request.method !== 'POST') return fromForm(route, request.search);
  const text = request.body?.toString('utf8') ?? '';
  if (mediaType(request) === 'application/x-www-form-urlencoded' && !/^\s*\{/.test(text)) {
    return fromForm(route, text);
  }
  return check(route, text.trim() === '' ? {} : parseJson(text));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new KeyshiftError('request_invalid', 'The body is not JSON.', {
      fix: 'Send one JSON object, or form fields as curl -d name=value does.',
    });
  }
}

/** Fields of a form are text: one that has to be a number, a list or an object is read as JSON. */
function fromForm(route: ControlRoute, text: string): unknown {
  const fields = [...new URLSearchParams(text)].filter(([, value]) => value !== '');
  const given = Object.fromEntries(fields);
  const parsed = route.input.safeParse(unwrapped(route, given));
  if (parsed.success) return parsed.data;
  const read = Object.entries(given).map(([name, value]) => [name, jsonOr(value)] as const);
  return check(route, Object.fromEntries(read));
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function check(route: ControlRoute, value: unknown): unknown {
  const parsed = route.input.safeParse(unwrapped(route, value));
  if (parsed.success) return parsed.data;
  const { place, message } = describeIssue(parsed.error);
  throw new KeyshiftError(
    'request_invalid',
    `The input of ${route.method} ${controlPrefix}${route.path} is not valid: ${place}${place ? ': ' : ''}${message}.`,
    { fix: `Fields: ${Object.keys(route.input.shape).join(', ') || 'none'}.` },
  );
}

/** A route about one object, as a fault or settings, takes that object as the whole body too. */
function unwrapped({ whole }: ControlRoute, value: unknown): unknown {
  if (whole === undefined || !isJsonObject(value) || whole in value) return value;
  return Object.keys(value).length === 0 ? value : { [whole]: value };
}

function errorReply(error: KeyshiftError): Reply {
  return jsonReply(error.status, error);
}
