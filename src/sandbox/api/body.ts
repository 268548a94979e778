import type { z } from 'zod';
import { type ApiReply, jsonApiType } from '../context/api-error.ts';
import { isDeeperThan } from '../state/json.ts';
import type { ApiCall } from './api-call.ts';
import { readQuery, type ApiQuery } from './query/read-query.ts';

/** Deepest nesting a body may have: far past what Klaviyo stores. */
const depthLimit = 50;

/**
 * Reads a JSON:API body, or returns the refusal: 415 for another media type, 413 for too
 * large, 400 with a pointer for what does not fit the schema.
 */
export function readBody<Output>(
  call: ApiCall,
  schema: z.ZodType<Output>,
): { readonly body: Output } | { readonly refusal: ApiReply } {
  if (call.mediaType !== jsonApiType && call.mediaType !== 'application/json') {
    const detail = `The Content-Type must be ${jsonApiType} or application/json.`;
    const title = 'Unsupported media type.';
    const code = 'unsupported_media_type';
    return { refusal: call.errors.error({ status: 415, code, title, detail }) };
  }
  const json = parse(call.body.toString('utf8'));
  if (json === undefined) return { refusal: call.errors.invalid('The body is not valid JSON.') };
  if (isDeeperThan(json, depthLimit)) {
    return { refusal: call.errors.invalid('The body is nested too deeply.') };
  }
  const parsed = schema.safeParse(json);
  return parsed.success
    ? { body: parsed.data }
    : { refusal: refusalOf(call, parsed.error.issues[0]) };
}

/** Reads the query and the body of a call that writes, before anything is written. */
export function readWrite<Output>(
  call: ApiCall,
  schema: z.ZodType<Output>,
): { readonly query: ApiQuery; readonly body: Output } | { readonly refusal: ApiReply } {
  const asked = readQuery(call);
  if ('refusal' in asked) return asked;
  const read = readBody(call, schema);
  return 'refusal' in read ? read : { query: asked.query, body: read.body };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refusalOf(call: ApiCall, issue: z.core.$ZodIssue | undefined): ApiReply {
  const pointer = `/${(issue?.path ?? []).map(String).join('/')}`;
  if (issue?.code === 'unrecognized_keys') {
    const name = issue.keys[0]?.slice(0, 50) ?? '';
    return call.errors.invalid(`'${name}' is not a valid field for this resource.`, { pointer });
  }
  return call.errors.invalid(issue?.message ?? 'Invalid input.', { pointer });
}
