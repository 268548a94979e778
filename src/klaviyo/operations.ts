import data from './operations.json' with { type: 'json' };

/** The methods Klaviyo's API uses. */
export type OperationMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One operation of Klaviyo's API, as its OpenAPI file describes it. */
export interface Operation {
  /** Klaviyo's operation id, such as `get_accounts`. */
  readonly id: string;
  readonly method: OperationMethod;
  /** Template without a trailing slash; parameters are whole segments, such as `{id}`. */
  readonly path: string;
  readonly tag: string;
  /** Scopes the credential needs, all of them. Empty for operations that need no credential. */
  readonly scopes: readonly string[];
  /** Most calls in a second, as `350/s`. */
  readonly burst: string;
  /** Most calls in a minute, as `3500/m`. */
  readonly steady: string;
  /** Most calls in a day, as `225/d`. */
  readonly daily?: string;
  /** HTTP status of a success. */
  readonly success: number;
  /**
   * Scopes that private keys need besides, and an OAuth app that asks about itself does not
   * (`x-klaviyo-optional-scopes`).
   */
  readonly optionalScopes?: readonly string[];
  /** The revision in which a beta operation became stable. */
  readonly promotedIn?: string;
}

/** A fixed window of a rate limit. */
export interface RateWindow {
  /** Most calls within one window. */
  readonly limit: number;
  readonly windowSec: number;
}

/** An operation found for a request, with the path parameters as they were sent. */
export interface OperationMatch {
  readonly operation: Operation;
  /** Values are still percent-encoded: ids may hold `:` and `$`. */
  readonly params: Readonly<Record<string, string>>;
}

/** Every operation of the stable API. Source: Klaviyo's OpenAPI file, see `operations.json`. */
export const operations = data.operations as readonly Operation[];

/** Operations that began, or still exist only, under {@link betaRevision}; see `revisions.ts`. */
export const betaOperations = data.betaOperations as readonly Operation[];

/** The stable revision that {@link operations} describes. */
export const operationsRevision: string = data.revision;

/** The revision header that {@link betaOperations} need. */
export const betaRevision: string = data.betaRevision;

const windowSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** The rate limits of an operation as windows, shortest first. */
export function rateWindows(operation: Operation): RateWindow[] {
  return [operation.burst, operation.steady, operation.daily].flatMap((rate) => {
    const [limit, unit = ''] = rate?.split('/') ?? [];
    const windowSec = windowSeconds[unit];
    return limit === undefined || windowSec === undefined
      ? []
      : [{ limit: Number(limit), windowSec }];
  });
}

/** Finds the operation that a method and a path belong to. */
export type OperationFinder = (method: string, path: string) => OperationMatch | undefined;

interface PathNode {
  readonly literals: Map<string, PathNode>;
  readonly leaves: Map<string, Leaf>;
  parameter: PathNode | undefined;
}

interface Leaf {
  readonly operation: Operation;
  /** Position among the segments and name of each path parameter. */
  readonly parameters: readonly (readonly [index: number, name: string])[];
}

/**
 * Creates a finder over the given operations: a tree of path segments, so that a look-up costs
 * the same whatever their number. A literal segment wins over a parameter; where two operations
 * share method and template, the earlier wins.
 */
export function createOperationFinder(all: Iterable<Operation>): OperationFinder {
  const root = createNode();
  for (const operation of all) {
    const segments = operation.path.slice(1).split('/');
    let node = root;
    for (const segment of segments) node = childOf(node, segment);
    const parameters = segments.flatMap((segment, index) =>
      segment.startsWith('{') ? [[index, segment.slice(1, -1)] as const] : [],
    );
    if (!node.leaves.has(operation.method)) {
      node.leaves.set(operation.method, { operation, parameters });
    }
  }
  return (method, path) => {
    if (!path.startsWith('/')) return undefined;
    const end = path.length > 1 && path.endsWith('/') ? path.length - 1 : path.length;
    const segments = path.slice(1, end).split('/');
    const leaf = descend(root, segments, 0, method);
    return leaf && { operation: leaf.operation, params: readParams(leaf, segments) };
  };
}

/**
 * Finds the operation of a request among {@link operations} and {@link betaOperations}.
 *
 * @param path the request's path without its query; one trailing slash is tolerated, nothing is
 *   percent-decoded
 * @returns `undefined` when Klaviyo has no such operation
 *
 * @example
 * ```ts
 * const match = findOperation('GET', '/api/catalog-items/$custom:::$default:::SKU-1/');
 * match?.operation.scopes; // ['catalogs:read']
 * match?.params; // { id: '$custom:::$default:::SKU-1' }
 * ```
 */
export const findOperation: OperationFinder = createOperationFinder([
  ...operations,
  ...betaOperations,
]);

function createNode(): PathNode {
  return { literals: new Map(), leaves: new Map(), parameter: undefined };
}

function childOf(node: PathNode, segment: string): PathNode {
  if (segment.startsWith('{')) return (node.parameter ??= createNode());
  let child = node.literals.get(segment);
  if (!child) node.literals.set(segment, (child = createNode()));
  return child;
}

function descend(
  node: PathNode,
  segments: readonly string[],
  index: number,
  method: string,
): Leaf | undefined {
  const segment = segments[index];
  if (segment === undefined) return node.leaves.get(method);
  const literal = node.literals.get(segment);
  const found = literal && descend(literal, segments, index + 1, method);
  if (found || !node.parameter || segment === '') return found;
  return descend(node.parameter, segments, index + 1, method);
}

function readParams(leaf: Leaf, segments: readonly string[]): Record<string, string> {
  const params: Record<string, string> = {};
  for (const [index, name] of leaf.parameters) params[name] = segments[index] ?? '';
  return params;
}
