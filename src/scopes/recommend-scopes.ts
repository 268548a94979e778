import type { Operation } from '../klaviyo/operations.ts';
import { isClientPath, type CallMeaning, type Sighting } from './sighting.ts';

/** An operation with the places that use it. */
export interface OperationUse {
  readonly operation: Operation;
  /** Calls seen in traffic, logs and HAR files. */
  readonly calls: number;
  /** Places in source code. */
  readonly places: number;
  /** Where it was seen, each once. */
  readonly where: readonly string[];
}

/** A scope with what it is needed for. */
export interface ScopeReason {
  readonly scope: string;
  /** Most used first; empty for {@link alwaysNeeded} alone. */
  readonly uses: readonly OperationUse[];
}

/** A use that a scope set refuses. */
export interface Refusal {
  readonly use: OperationUse;
  readonly lacking: readonly string[];
}

/** What was seen and cannot become a scope by itself. */
export interface OpenQuestion {
  readonly kind: Exclude<CallMeaning['kind'], 'operation'>;
  readonly method: string | undefined;
  readonly path: string;
  readonly count: number;
  readonly where: readonly string[];
  /** The operations it may be; for `ambiguous` and `uncertain`. */
  readonly candidates: readonly Operation[];
}

/** The scopes an app needs for the calls that were seen, and why. */
export interface ScopeRecommendation {
  /** The least set, in alphabetical order; empty when no call was recognised. */
  readonly scopes: readonly string[];
  readonly reasons: readonly ScopeReason[];
  /** Calls of `/client/*`: they take no token, and their events cannot be branded. */
  readonly clientUses: readonly OperationUse[];
  readonly questions: readonly OpenQuestion[];
}

/** How a set of scopes stands beside the calls that were seen. */
export interface ScopeForecast {
  /** Asked for and used by nothing that was seen: Klaviyo's review refuses these. */
  readonly unused: readonly string[];
  /** Needed and not in the set. */
  readonly missing: readonly string[];
  /** Uses that would be answered 403, most used first. */
  readonly refused: readonly Refusal[];
  /** Calls among {@link ScopeForecast.refused}. */
  readonly refusedCalls: number;
  /** All calls that were seen and need a scope. */
  readonly calls: number;
}

/** Needed by Keyshift itself, which learns the account by it. */
export const alwaysNeeded = 'accounts:read';

/**
 * Derives the least set of scopes from what was seen. Several scopes of one operation are all
 * needed, and `:write` does not imply `:read`. From nothing follows nothing, not even
 * {@link alwaysNeeded}.
 *
 * @example
 * ```ts
 * recommendScopes(scanCode(text, 'sync.py', isKlaviyo)).scopes; // ['accounts:read', 'events:write']
 * ```
 */
export function recommendScopes(sightings: readonly Sighting[]): ScopeRecommendation {
  const uses = collectUses(sightings);
  const server = uses.filter(({ operation }) => !isClientPath(operation.path));
  const reasons = new Map<string, OperationUse[]>(uses.length > 0 ? [[alwaysNeeded, []]] : []);
  for (const use of server) {
    for (const scope of use.operation.scopes) {
      reasons.set(scope, [...(reasons.get(scope) ?? []), use]);
    }
  }
  const scopes = [...reasons.keys()].sort();
  return {
    scopes,
    reasons: scopes.map((scope) => ({ scope, uses: reasons.get(scope) ?? [] })),
    clientUses: uses.filter(({ operation }) => isClientPath(operation.path)),
    questions: collectQuestions(sightings),
  };
}

/** Says what an app with exactly these scopes could not do. */
export function forecastScopes(
  recommendation: ScopeRecommendation,
  scopes: readonly string[],
): ScopeForecast {
  const held = new Set(scopes);
  const uses = new Map(
    recommendation.reasons.flatMap(({ uses: each }) => each.map((use) => [use.operation.id, use])),
  );
  const refused = [...uses.values()]
    .map((use) => ({ use, lacking: use.operation.scopes.filter((scope) => !held.has(scope)) }))
    .filter(({ lacking }) => lacking.length > 0)
    .sort((one, other) => compareUses(one.use, other.use));
  const total = (each: Iterable<OperationUse>) =>
    [...each].reduce((sum, { calls }) => sum + calls, 0);
  return {
    unused: scopes.filter((scope) => !recommendation.scopes.includes(scope)),
    missing: recommendation.scopes.filter((scope) => !held.has(scope)),
    refused,
    refusedCalls: total(refused.map(({ use }) => use)),
    calls: total(uses.values()),
  };
}

function collectUses(sightings: readonly Sighting[]): OperationUse[] {
  const byId = new Map<
    string,
    { operation: Operation; calls: number; places: number; where: Set<string> }
  >();
  for (const sighting of sightings) {
    if (sighting.kind !== 'operation') continue;
    const { operation, source, count, where } = sighting;
    const use = byId.get(operation.id) ?? { operation, calls: 0, places: 0, where: new Set() };
    if (source === 'code') use.places += count;
    else use.calls += count;
    use.where.add(where);
    byId.set(operation.id, use);
  }
  return [...byId.values()].map((use) => ({ ...use, where: [...use.where] })).sort(compareUses);
}

function compareUses(one: OperationUse, other: OperationUse): number {
  return (
    other.calls - one.calls ||
    other.places - one.places ||
    (one.operation.id < other.operation.id ? -1 : 1)
  );
}

function collectQuestions(sightings: readonly Sighting[]): OpenQuestion[] {
  const byCall = new Map<string, OpenQuestion & { where: string[]; count: number }>();
  for (const sighting of sightings) {
    if (sighting.kind === 'operation') continue;
    const { kind, method, path, count, where } = sighting;
    const key = `${kind} ${method ?? '?'} ${path}`;
    const candidates = 'candidates' in sighting ? sighting.candidates : [];
    const question = byCall.get(key) ?? { kind, method, path, count: 0, where: [], candidates };
    byCall.set(key, {
      ...question,
      count: question.count + count,
      where: question.where.includes(where) ? question.where : [...question.where, where],
    });
  }
  return [...byCall.values()];
}
