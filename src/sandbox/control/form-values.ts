import type { z } from 'zod';
import { isJsonObject } from '../state/json.ts';

/**
 * Parses what came from a form, where everything is text: a text that has to be a number, a list or
 * an object is read as JSON.
 */
export function parseFormValue(
  schema: z.ZodType,
  value: unknown,
): ReturnType<z.ZodType['safeParse']> {
  const parsed = schema.safeParse(value);
  if (parsed.success || !isJsonObject(value)) return parsed;
  const read = structuredClone(value) as Record<string, unknown>;
  for (const { path } of parsed.error.issues) {
    const leaf = path.reduce(step, read);
    if (typeof leaf === 'string') putValue(read, path, jsonOr(leaf));
  }
  return schema.safeParse(read);
}

/** Puts a value where its path says, into objects that are made on the way. */
export function putValue(
  into: Record<string, unknown>,
  path: readonly PropertyKey[],
  value: unknown,
): void {
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
