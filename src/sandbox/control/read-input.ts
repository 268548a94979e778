import type { z } from 'zod';
import { describeIssue } from '../describe-issue.ts';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import { formOf, isForm, queryOf, type SandboxCall } from '../http/sandbox-env.ts';
import { isJsonObject } from '../state/json.ts';
import { controlPrefix, type ControlRoute } from './control-route.ts';
import { parseFormValue, putValue } from './form-values.ts';

/**
 * The input of a control route: the query of a GET, the form or JSON body of a POST.
 *
 * @throws KeyshiftError `request_invalid`, naming the field
 */
export function readInput(route: ControlRoute, c: SandboxCall): unknown {
  if (route.method !== 'POST') return fromForm(route, queryOf(c));
  const text = c.var.body?.toString('utf8') ?? '';
  if (isForm(c) && !/^\s*\{/.test(text)) return fromForm(route, formOf(c));
  const value = text.trim() === '' ? {} : parseJson(text);
  return accept(route, route.input.safeParse(unwrapped(route, value)));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new KeyshiftError('request_invalid', 'The body is not valid JSON.', {
      fix: 'Send one JSON object, or form fields as curl -d name=value does.',
    });
  }
}

/** Fields left empty are left out; `match.path` is the `path` in `match`. */
function fromForm(route: ControlRoute, fields: URLSearchParams): unknown {
  const given: Record<string, unknown> = {};
  for (const [name, value] of fields) {
    if (value !== '' && !name.startsWith('_')) putValue(given, name.split('.'), value);
  }
  return accept(route, parseFormValue(route.input, unwrapped(route, given)));
}

function accept(route: ControlRoute, parsed: ReturnType<z.ZodType['safeParse']>): unknown {
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
