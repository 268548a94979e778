import type { JsonValue } from '../../state/json.ts';
import type { FilterTerm, FilterValue } from './parse-filter.ts';

/** Whether a resource's value fulfils a condition. A missing value fulfils none but `null`. */
export function matches(term: FilterTerm, value: JsonValue | undefined): boolean {
  // Addresses are the same whatever their case.
  return term.field === 'email'
    ? holds({ ...term, values: term.values.map(lowerCase) }, lowerCase(value ?? null))
    : holds(term, value);
}

const lowerCase = <Value>(value: Value) =>
  typeof value === 'string' ? value.toLowerCase() : value;

function holds({ operator, values }: FilterTerm, actual: JsonValue | undefined): boolean {
  const [first = null] = values;
  switch (operator) {
    case 'has':
      return actual != null;
    case 'equals':
      return Array.isArray(actual)
        ? actual.some((one: JsonValue) => isSame(one, first))
        : isSame(actual, first);
    case 'any':
      return values.some((value) =>
        holds({ operator: 'equals', field: '', values: [value] }, actual),
      );
    case 'contains':
      return inText(actual, first, (text, part) => text.includes(part));
    case 'starts-with':
      return inText(actual, first, (text, part) => text.startsWith(part));
    case 'ends-with':
      return inText(actual, first, (text, part) => text.endsWith(part));
    case 'greater-than':
      return ordered(actual, first, (order) => order > 0);
    case 'greater-or-equal':
      return ordered(actual, first, (order) => order >= 0);
    case 'less-than':
      return ordered(actual, first, (order) => order < 0);
    case 'less-or-equal':
      return ordered(actual, first, (order) => order <= 0);
  }
}

/** Ids that are numbers may stand without quotes. */
function isSame(actual: JsonValue | undefined, wanted: FilterValue): boolean {
  const value = typeof actual === 'string' && typeof wanted === 'number' ? String(wanted) : wanted;
  return compare(actual, value) === 0;
}

/**
 * Orders two values: numbers by size, times by moment, other text by its characters; a missing
 * value comes first.
 */
export function compare(one: JsonValue | undefined, other: JsonValue | undefined): number {
  if (one == null || other == null) return Number(one != null) - Number(other != null);
  const [a, b] = [comparable(one), comparable(other)];
  return typeof a === typeof b ? Number(a > b) - Number(a < b) : Number.NaN;
}

function ordered(
  actual: JsonValue | undefined,
  wanted: FilterValue,
  fits: (order: number) => boolean,
): boolean {
  return actual != null && wanted !== null && fits(compare(actual, wanted));
}

function inText(
  actual: JsonValue | undefined,
  part: FilterValue,
  fits: (text: string, part: string) => boolean,
): boolean {
  return typeof actual === 'string' && typeof part === 'string' && fits(actual, part);
}

function comparable(value: JsonValue): string | number {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return JSON.stringify(value);
  const ms = /^\d{4}-\d{2}-\d{2}([T ]|$)/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? value : ms;
}
