import type { CallMeaning, Sighting, SightingSource } from './sighting.ts';

/** Counts calls by what they mean, so that a log of any length becomes a short list. */
export interface CallTally {
  add(method: string, path: string, meaning: CallMeaning, count?: number): void;
  sightings(source: SightingSource, where: string): Sighting[];
}

/** Unknown paths hold ids of any number: so many different ones are kept apart. */
const mostUnknownPaths = 200;

/** Creates an empty tally. */
export function createCallTally(): CallTally {
  const entries = new Map<
    string,
    { method: string; path: string; meaning: CallMeaning; count: number }
  >();
  let unknownPaths = 0;
  return {
    add(method, path, meaning, count = 1) {
      const known = meaning.kind === 'operation';
      const overflow = !known && unknownPaths >= mostUnknownPaths;
      const shown = known ? meaning.operation.path : overflow ? '(further paths)' : path;
      const key = known ? meaning.operation.id : `${meaning.kind} ${method} ${shown}`;
      const entry = entries.get(key);
      if (entry) {
        entry.count += count;
        return;
      }
      if (!known) unknownPaths += 1;
      entries.set(key, { method, path: shown, meaning, count });
    },
    sightings: (source, where) =>
      [...entries.values()].map(({ method, path, meaning, count }) => ({
        ...meaning,
        source,
        method,
        path,
        count,
        where,
      })),
  };
}
