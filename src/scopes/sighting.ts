import { findOperation, operations, type Operation } from '../klaviyo/operations.ts';

/** Where a sighting comes from. */
export type SightingSource = 'traffic' | 'log' | 'har' | 'code';

/** What a method and a path mean to Klaviyo's API. */
export type CallMeaning =
  /** Klaviyo has this operation. */
  | { readonly kind: 'operation'; readonly operation: Operation }
  /** The path is known and the method is not: one of several operations. */
  | { readonly kind: 'ambiguous'; readonly candidates: readonly Operation[] }
  /** It has the name of an operation, and may as well be the application's own. */
  | { readonly kind: 'uncertain'; readonly candidates: readonly Operation[] }
  /** A path of the API before 2022, which takes no access token. */
  | { readonly kind: 'legacy' }
  /** A line of a log that mentions Klaviyo's API in a form that is not known. */
  | { readonly kind: 'unread' }
  /** Nothing that the operations table knows. */
  | { readonly kind: 'unknown' };

/** A use of Klaviyo's API that was seen somewhere. */
export type Sighting = CallMeaning & {
  readonly source: SightingSource;
  /** Absent where it could not be told, as in source code. */
  readonly method: string | undefined;
  /** Path without its query; ids stand as they were seen, or as `{}` in source code. */
  readonly path: string;
  /** Calls; 1 for a place in source code. */
  readonly count: number;
  /** File and line, a log's name, or what was observed: for a person to look it up. */
  readonly where: string;
};

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/**
 * Says what a call is. A placeholder segment `{}` stands for an id.
 *
 * @param method any case; `undefined` when it is not known
 * @param path begins with `/api/` or `/client/`, without a query
 */
export function interpretCall(method: string | undefined, path: string): CallMeaning {
  if (isLegacyPath(path)) return { kind: 'legacy' };
  const wanted = method === undefined ? methods : [method.toUpperCase()];
  const candidates = wanted.flatMap((each) => {
    // A HEAD is answered as the GET that it stands for.
    const match = findOperation(each === 'HEAD' ? 'GET' : each, path);
    return match ? [match.operation] : [];
  });
  const [operation] = candidates;
  if (!operation) return { kind: 'unknown' };
  return candidates.length === 1
    ? { kind: 'operation', operation }
    : { kind: 'ambiguous', candidates };
}

/** `/api/v1`, `/api/v2`, `/api/track`, `/api/identify`: retired, and never open to OAuth. */
function isLegacyPath(path: string): boolean {
  return /^\/api\/(v[12]|track|identify)(\/|$)/.test(path);
}

/** Paths that need no credential and name the account in the open. */
export function isClientPath(path: string): boolean {
  return path.startsWith('/client/');
}

/** First segments below `/api/` and `/client/` that the operations table knows. */
export const knownResources: ReadonlySet<string> = new Set(
  operations.map(({ path }) => path.split('/')[2] ?? ''),
);
