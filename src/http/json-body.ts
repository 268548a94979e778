import type { z } from 'zod';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { HttpContext } from './http-context.ts';

/**
 * Reads a JSON body by a schema. Only `application/json` is taken, which no page of another site
 * can send without being asked first.
 *
 * @throws KeyshiftError `request_invalid` that names the field
 */
export async function readJsonBody<Schema extends z.ZodType>(
  context: HttpContext,
  schema: Schema,
): Promise<z.output<Schema>> {
  const contentType = context.req.header('content-type') ?? '';
  if (!/^application\/(\w+\+)?json\b/i.test(contentType)) {
    throw new KeyshiftError('request_invalid', 'The body must be sent as application/json.');
  }
  let json: unknown;
  try {
    json = await context.req.json();
  } catch (cause) {
    throw new KeyshiftError('request_invalid', 'The body is not valid JSON.', { cause });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join('.') || 'the body';
  throw new KeyshiftError('request_invalid', `${field}: ${issue?.message ?? 'is not valid'}.`);
}
