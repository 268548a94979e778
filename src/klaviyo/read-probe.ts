import { operations, type Operation } from './operations.ts';

/** Reads that answer 400 without a filter which only their account could name. */
const unsuited: ReadonlySet<string> = new Set(['/api/coupon-codes']);

/** Queries that make a read valid, or small. */
const queries: Readonly<Record<string, string>> = {
  '/api/campaigns': "?filter=equals(messages.channel,'email')",
  '/api/events': '?page[size]=1',
  '/api/profiles': '?page[size]=1',
};

/**
 * The path of a cheap read that needs the scope, to see whether a credential really has it: a
 * list without path parameters, which changes nothing.
 *
 * @param held every scope of the credential; reads that need a further one are left out
 * @returns `undefined` for write scopes, and where Klaviyo has no such list
 *
 * @example
 * ```ts
 * findReadProbe('lists:read', ['lists:read']); // '/api/lists'
 * ```
 */
export function findReadProbe(scope: string, held: readonly string[]): string | undefined {
  if (!scope.endsWith(':read')) return undefined;
  const [best] = operations
    .filter((operation) => isSuited(operation, scope, held))
    .sort((a, b) => a.scopes.length - b.scopes.length || a.path.length - b.path.length);
  return best && best.path + (queries[best.path] ?? '');
}

function isSuited(operation: Operation, scope: string, held: readonly string[]): boolean {
  const { method, path, scopes } = operation;
  return (
    method === 'GET' &&
    !path.includes('{') &&
    !unsuited.has(path) &&
    scopes.includes(scope) &&
    scopes.every((each) => held.includes(each))
  );
}
