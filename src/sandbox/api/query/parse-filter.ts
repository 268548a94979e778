import type { FilterOperator } from './query-rules.ts';

/** A value as it stands in a filter. Times are strings. */
export type FilterValue = string | number | boolean | null;

/** One condition of a filter, such as `equals(email,"a@b.co")`. */
export interface FilterTerm {
  readonly operator: FilterOperator;
  readonly field: string;
  /** One value, or those of a list for `any`; none for `has`. */
  readonly values: readonly FilterValue[];
}

/** What a filter's text turns out to be. */
export type ParsedFilter =
  | { readonly terms: readonly FilterTerm[] }
  /** A construct that Klaviyo has and the sandbox lacks. */
  | { readonly unbuilt: string }
  | { readonly problem: string };

const operators: ReadonlySet<string> = new Set<FilterOperator>([
  'any',
  'contains',
  'ends-with',
  'equals',
  'greater-or-equal',
  'greater-than',
  'has',
  'less-or-equal',
  'less-than',
  'starts-with',
]);
const unbuilt = new Set(['or', 'not', 'contains-any', 'contains-all']);

class FilterSyntaxError extends Error {}
class UnbuiltFilterError extends Error {}

/**
 * Parses Klaviyo's filter language: conditions separated by commas or within `and(…)`, all of which
 * must hold. Strings stand in double or single quotes; numbers, `true`, `false`, `null` and times do
 * not.
 */
export function parseFilter(text: string): ParsedFilter {
  const reader = new FilterReader(text);
  try {
    const terms = reader.terms();
    reader.end();
    return { terms };
  } catch (error) {
    if (error instanceof UnbuiltFilterError) return { unbuilt: error.message };
    if (error instanceof FilterSyntaxError) return { problem: error.message };
    throw error;
  }
}

/** Reads from left to right; conditions nest only in `and`, at most a few levels deep. */
class FilterReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  terms(depth = 0): FilterTerm[] {
    if (depth > 5) throw new FilterSyntaxError('It is nested too deeply.');
    const terms: FilterTerm[] = [];
    do {
      terms.push(...this.#term(depth));
    } while (this.#take(','));
    return terms;
  }

  end(): void {
    this.#spaces();
    if (this.#at < this.#text.length) throw this.#expected('the end');
  }

  #term(depth: number): FilterTerm[] {
    const operator = this.#match(/[a-z-]+/y);
    if (operator === undefined) throw this.#expected('an operator');
    if (unbuilt.has(operator)) throw new UnbuiltFilterError(`The filter operator ${operator}`);
    this.#demand('(');
    if (operator === 'and') {
      const terms = this.terms(depth + 1);
      this.#demand(')');
      return terms;
    }
    if (!operators.has(operator)) {
      throw new FilterSyntaxError(`There is no operator '${operator.slice(0, 30)}'.`);
    }
    const field = this.#match(/[\w$.-]+/y);
    if (field === undefined) throw this.#expected('a field');
    const values = operator === 'has' ? [] : this.#operand();
    this.#demand(')');
    return [{ operator: operator as FilterOperator, field, values }];
  }

  #operand(): FilterValue[] {
    this.#demand(',');
    if (!this.#take('[')) return [this.#value()];
    const values: FilterValue[] = [];
    if (this.#take(']')) return values;
    do {
      values.push(this.#value());
    } while (this.#take(','));
    this.#demand(']');
    return values;
  }

  #value(): FilterValue {
    const quoted = this.#match(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/y);
    if (quoted !== undefined) return quoted.slice(1, -1).replace(/\\(.)/g, '$1');
    const bare = this.#match(/[^\s,()[\]"']+/y);
    if (bare === undefined) throw this.#expected('a value');
    if (/^-?\d+(\.\d+)?$/.test(bare)) return Number(bare);
    if (bare === 'true' || bare === 'false') return bare === 'true';
    if (bare === 'null') return null;
    if (/^\d{4}-\d{2}-\d{2}/.test(bare)) return bare;
    throw new FilterSyntaxError(`'${bare.slice(0, 30)}' must stand in quotes.`);
  }

  #spaces(): void {
    while (this.#text[this.#at] === ' ') this.#at++;
  }

  #match(pattern: RegExp): string | undefined {
    this.#spaces();
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #take(character: string): boolean {
    this.#spaces();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #demand(character: string): void {
    if (!this.#take(character)) throw this.#expected(`'${character}'`);
  }

  #expected(what: string): FilterSyntaxError {
    return new FilterSyntaxError(`Expected ${what} at character ${this.#at + 1}.`);
  }
}
