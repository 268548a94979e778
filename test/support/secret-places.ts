import { inspect } from 'node:util';
import type { KeyshiftError } from '../../src/errors/keyshift-error.ts';
import type { Place } from './secret-ledger.ts';

/** Everything that errors show to whoever prints them, or one of their causes. */
export function errorPlaces(errors: readonly KeyshiftError[]): Place[] {
  return errors.map((error, index) => ({
    name: `error ${index}, ${error.code}`,
    content: [JSON.stringify(error), ...withCauses(error).map(print)].join('\n'),
  }));
}

function withCauses(error: unknown): unknown[] {
  const chain: unknown[] = [];
  for (
    let each = error;
    each !== undefined;
    each = each instanceof Error ? each.cause : undefined
  ) {
    chain.push(each);
  }
  return chain;
}

function print(value: unknown): string {
  const everything = inspect(value, { depth: Number.POSITIVE_INFINITY, showHidden: true });
  return value instanceof Error ? `${String(value)}\n${value.stack}\n${everything}` : everything;
}

/** Log lines, named by what they are about and not by all they say. */
export function linePlaces(name: string, lines: readonly string[]): Place[] {
  return lines.map((content) => {
    const { msg = '', code = '' } = JSON.parse(content) as Record<string, string>;
    return { name: `${name} "${msg}" ${code}`, content };
  });
}
