import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

/** Where the first mistake of a checked value is, such as `accounts[0].id`, and what it is. */
export interface DescribedIssue {
  /** Empty for the value as a whole. */
  readonly place: string;
  readonly message: string;
}

/** Describes the first issue of a failed check; never with the value itself. */
export function describeIssue({ issues }: z.core.$ZodError): DescribedIssue {
  const [first] = issues;
  if (!first) return { place: '', message: 'is not valid' };
  const { path, issue } = innermost(first, first.path);
  const known = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  return known === undefined
    ? { place: placeOf(path), message: issue.message }
    : { place: placeOf([...path, known]), message: 'is not a field here' };
}

/** Of the alternatives of a union, the one that came furthest says best what is wrong. */
function innermost(
  issue: Issue,
  path: readonly PropertyKey[],
): { readonly issue: Issue; readonly path: readonly PropertyKey[] } {
  if (issue.code !== 'invalid_union') return { issue, path };
  const deepest = issue.errors
    .flat()
    .toSorted((a, b) => b.path.length - a.path.length)
    .find((inner) => inner.path.length > 0);
  return deepest ? innermost(deepest, [...path, ...deepest.path]) : { issue, path };
}

function placeOf(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
}
