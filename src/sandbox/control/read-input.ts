import { describeIssue } from '../describe-issue.ts';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import { mediaType, type SandboxRequest } from '../http/sandbox-request.ts';
import { isJsonObject } from '../json-object.ts';
import { controlPrefix, type ControlRoute } from './control-route.ts';

/**
 * The input of a control route: the query of a GET, the form or JSON body of a POST.
 *
 * @throws KeyshiftError `request_invalid`, naming the field
 */
export function readInput(route: ControlRoute, request: SandboxRequest): unknown {
  if (request.method !== 'POST') return fromForm(route, request.search);
  const text = request.body?.toString('utf8') ?? '';
  if (isForm(request) && !/^\s*\{/.test(text)) return fromForm(route, text);
  return check(route, text.trim() === '' ? {} : parseJson(text));
}

/** Whether a body is a form, as browsers and `curl -d` send it. */
export function isForm(request: SandboxRequest): boolean {
  return mediaType(request) === 'application/x-www-form-urlencoded';
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
  const given: Record<string, unknown> = {};
  for (const [name, value] of new URLSearchParams(text)) {
    if (value !== '' && !name.startsWith('_')) put(given, name.split('.'), value);
  }
  const value = unwrapped(route, given);
  const parsed = route.input.safeParse(value);
  if (parsed.success) return parsed.data;
  for (const { path } of parsed.error.issues) {
    const leaf = path.reduce(step, value);
    if (typeof leaf === 'string') put(value as Record<string, unknown>, path, jsonOr(leaf));
  }
  return check(route, value);
}

/** Puts a value where its name says: `match.path` is the `path` in `match`. */
function put(into: Record<string, unknown>, path: readonly PropertyKey[], value: unknown): void {
  let place = into;
  for (const [index, part] of path.map(String).entries()) {
    if (part === '__proto__') return;
    if (index === path.length - 1) {
      place[part] = value;
      return;
    }
    const next = Object.hasOwn(place, part) ? place[part] : undefined;
    place = isJsonObject(next) ? next : (place[part] = {});
  }
}

function step(value: unknown, part: PropertyKey): unknown {
  return isJsonObject(value) ? value[String(part)] : undefined;
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
