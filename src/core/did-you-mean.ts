/** The candidate that a text is a slip away from: two letters at most, whatever its case. */
export function findSimilar(text: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let fewest = 3;
  for (const candidate of candidates) {
    // A short word with another letter is another word.
    const most = Math.min(fewest - 1, Math.floor(candidate.length / 6));
    const slips = countSlips(text.toLowerCase(), candidate.toLowerCase());
    if (slips > most) continue;
    best = candidate;
    fewest = slips;
  }
  return best;
}

/** Letters that are missing, too many, wrong, or swapped with their neighbour. */
function countSlips(left: string, right: string): number {
  if (Math.abs(left.length - right.length) > 2) return 3;
  let [before, row]: number[][] = [[], Array.from({ length: right.length + 1 }, (_, i) => i)];
  for (let i = 1; i <= left.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= right.length; j += 1) {
      const same = left[i - 1] === right[j - 1];
      const swapped =
        i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1];
      next[j] = Math.min(
        (row?.[j] ?? 0) + 1,
        (next[j - 1] ?? 0) + 1,
        (row?.[j - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (before?.[j - 2] ?? 0) + 1 : Infinity,
      );
    }
    [before, row] = [row, next];
  }
  return row?.[right.length] ?? 3;
}
