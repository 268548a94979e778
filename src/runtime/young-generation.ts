import { setFlagsFromString } from 'node:v8';

/** V8's own, which holds again when the work is done. */
const growthFactor = 2;

/**
 * Runs work that makes much and drops little, as loading modules does, without letting V8's young
 * generation grow over it: it grows with what survives, to 16 MiB and a copy, and an idle process
 * never gives that back. Under load it grows as ever.
 *
 * @example
 * ```ts
 * const { serve } = await withSmallYoungGeneration(() => import('./serve.ts'));
 * ```
 */
export async function withSmallYoungGeneration<Result>(
  work: () => Promise<Result>,
): Promise<Result> {
  setFlagsFromString('--semi-space-growth-factor=1');
  try {
    return await work();
  } finally {
    setFlagsFromString(`--semi-space-growth-factor=${growthFactor}`);
  }
}
