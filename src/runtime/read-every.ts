import type { Clock } from './clock.ts';

/** Reads at most once in `ageMs`, whoever asks; what could not be read is read again. */
export function readEvery<Value>(
  clock: Clock,
  ageMs: number,
  read: () => Promise<Value>,
): () => Promise<Value> {
  let last: { readonly value: Promise<Value>; readonly atMs: number } | undefined;
  return (): Promise<Value> => {
    if (last && clock.now() - last.atMs < ageMs) return last.value;
    const reading = { value: read(), atMs: clock.now() };
    last = reading;
    reading.value.catch(() => {
      if (last === reading) last = undefined;
    });
    return reading.value;
  };
}
