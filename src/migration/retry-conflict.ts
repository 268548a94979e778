import { isKeyshiftError } from '../errors/keyshift-error.ts';

/** Tabs that end at the same moment are few. */
const attempts = 10;

/**
 * Runs a transaction again when another writer came first: the later one starts over on what the
 * first has written.
 */
export async function retryConflict<Result>(write: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await write();
    } catch (error) {
      if (attempt === attempts || !isKeyshiftError(error, 'stage_conflict')) throw error;
    }
  }
}
