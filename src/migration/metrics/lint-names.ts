/** Names that a person would take for one metric, and Klaviyo for several. */
export interface NameDrift {
  readonly names: readonly string[];
  readonly difference: 'case' | 'spacing' | 'case and spacing';
}

/**
 * Finds names that differ only in case or spacing: each spelling makes a metric of its own.
 *
 * @example
 * ```ts
 * findNameDrift(['Placed Order', 'placed order']); // [{ names: […], difference: 'case' }]
 * ```
 */
export function findNameDrift(names: Iterable<string>): NameDrift[] {
  const groups = new Map<string, string[]>();
  for (const name of new Set(names)) {
    const key = withoutSpacing(name).toLowerCase();
    groups.set(key, [...(groups.get(key) ?? []), name]);
  }
  return [...groups.values()]
    .filter((group) => group.length > 1)
    .map((group) => ({ names: group.toSorted(), difference: differenceOf(group) }))
    .sort((a, b) => ((a.names[0] ?? '') < (b.names[0] ?? '') ? -1 : 1));
}

function differenceOf(group: readonly string[]): NameDrift['difference'] {
  if (new Set(group.map(withoutSpacing)).size === 1) return 'spacing';
  if (new Set(group.map((name) => name.toLowerCase())).size === 1) return 'case';
  return 'case and spacing';
}

/** Also hyphens and underscores, which stand in for spaces, and characters that nobody sees. */
function withoutSpacing(name: string): string {
  return name.normalize('NFKC').replace(/[\s_\-\u00AD\u200B-\u200D\u2060\uFEFF]+/g, '');
}
