import type { ApiReply } from '../../context/api-error.ts';
import type { ApiCall } from '../api-call.ts';
import { readCursor, type Cursor } from './cursor.ts';
import { parseFilter, type FilterTerm } from './parse-filter.ts';
import { queryRulesOf, type QueryRules } from './query-rules.ts';

/** The query of a call, checked against what its operation takes. */
export interface ApiQuery {
  /** Conditions that must all hold. */
  readonly filter: readonly FilterTerm[];
  readonly sort: { readonly key: string; readonly descending: boolean } | undefined;
  readonly include: readonly string[];
  /** Fields asked for by type; a type that is absent shows all. */
  readonly fields: Readonly<Record<string, readonly string[]>>;
  readonly additional: Readonly<Record<string, readonly string[]>>;
  readonly cursor: Cursor | undefined;
  readonly size: number;
}

/** What the sandbox builds of an operation's query; the rest of what Klaviyo allows answers 501. */
export interface QuerySupport {
  readonly include?: readonly string[];
  /** Fields of filters. Default: all that Klaviyo allows. */
  readonly filter?: readonly string[];
}

type Refused = { readonly refusal: ApiReply };

const plainQuery: ApiQuery = {
  filter: [],
  sort: undefined,
  include: [],
  fields: {},
  additional: {},
  cursor: undefined,
  size: 0,
};
/** Most items of a page where the operation takes no `page[size]`. */
const fixedPageSize = 200;

/**
 * Reads the query of a call, or returns the refusal: 400 naming the parameter for what Klaviyo
 * does not take, 501 for what it takes and the sandbox lacks.
 */
export function readQuery(
  call: ApiCall,
  support: QuerySupport = {},
): { readonly query: ApiQuery } | Refused {
  const rules = queryRulesOf(call.operation.id);
  const missing = rules.required?.find((name) => !call.query.has(name));
  if (missing !== undefined) {
    const source = { parameter: missing };
    return { refusal: call.errors.invalid(`'${missing}' is required.`, source) };
  }
  const size = rules.size?.default ?? fixedPageSize;
  if (call.query.size === 0) return { query: { ...plainQuery, size } };
  const reader = new QueryReader(call, rules, support);
  let query: ApiQuery = { ...plainQuery, size };
  for (const [name, value] of call.query) {
    // Stands for a credential there.
    if (name === 'company_id' && call.caller.credential === 'none') continue;
    const part = reader.read(name, value);
    if ('refusal' in part) return part;
    query = {
      ...query,
      ...part,
      fields: { ...query.fields, ...part.fields },
      additional: { ...query.additional, ...part.additional },
    };
  }
  if (query.cursor && query.cursor.key !== (query.sort?.key ?? '')) {
    return reader.invalid('page[cursor]', 'The cursor belongs to another order.');
  }
  return { query };
}

/** Refuses every query parameter: for operations that take none. */
export function refuseQuery(call: ApiCall): ApiReply | undefined {
  const read = readQuery(call, { include: [], filter: [] });
  return 'refusal' in read ? read.refusal : undefined;
}

class QueryReader {
  readonly #call: ApiCall;
  readonly #rules: QueryRules;
  readonly #support: QuerySupport;

  constructor(call: ApiCall, rules: QueryRules, support: QuerySupport) {
    this.#call = call;
    this.#rules = rules;
    this.#support = support;
  }

  read(name: string, value: string): Partial<ApiQuery> | Refused {
    const [, kind, type = ''] = /^((?:additional-)?fields)\[([\w-]+)\]$/.exec(name) ?? [];
    const { fields, additional, include, sort, filter, cursor, size } = this.#rules;
    const known = own(kind === 'fields' ? fields : additional, type);
    if (kind !== undefined && known) {
      const list = this.#list(name, value, known);
      if ('refusal' in list) return list;
      return { [kind === 'fields' ? 'fields' : 'additional']: { [type]: list.items } };
    }
    if (name === 'include' && include) return this.#include(value, include);
    if (name === 'sort' && sort) return this.#sort(value, sort);
    if (name === 'filter' && filter) return this.#filter(value, filter);
    if (name === 'page[cursor]' && cursor) return this.#cursor(value);
    if (name === 'page[size]' && size) return this.#size(value, size);
    const shown = name.slice(0, 50);
    return this.invalid(shown, `'${shown}' is not a valid parameter for this operation.`);
  }

  invalid(parameter: string, detail: string): Refused {
    return { refusal: this.#call.errors.invalid(detail, { parameter }) };
  }

  #unbuilt(what: string): Refused {
    const { operation, errors } = this.#call;
    return { refusal: errors.notImplemented(`${what} of ${operation.id}`) };
  }

  #list(
    name: string,
    value: string,
    allowed: readonly string[],
  ): { readonly items: readonly string[] } | Refused {
    const items = value.split(',').filter((item) => item !== '');
    const wrong = items.find((item) => !allowed.includes(item) && !isProperty(item, allowed));
    if (wrong === undefined) return { items };
    return this.invalid(name, `'${wrong.slice(0, 50)}' is not one of ${allowed.join(', ')}.`);
  }

  #include(value: string, allowed: readonly string[]): Partial<ApiQuery> | Refused {
    const list = this.#list('include', value, allowed);
    if ('refusal' in list) return list;
    const lacking = list.items.find((item) => !(this.#support.include ?? []).includes(item));
    return lacking === undefined
      ? { include: list.items }
      : this.#unbuilt(`The parameter include=${lacking}`);
  }

  #sort(value: string, allowed: readonly string[]): Partial<ApiQuery> | Refused {
    const descending = value.startsWith('-');
    const key = descending ? value.slice(1) : value;
    if (allowed.includes(key)) return { sort: { key, descending } };
    return this.invalid('sort', `'${value.slice(0, 50)}' is not one of ${allowed.join(', ')}.`);
  }

  #filter(value: string, allowed: NonNullable<QueryRules['filter']>): Partial<ApiQuery> | Refused {
    const parsed = parseFilter(value);
    if ('unbuilt' in parsed) return this.#unbuilt(parsed.unbuilt);
    if ('problem' in parsed) return this.invalid('filter', `Invalid filter. ${parsed.problem}`);
    for (const { field, operator } of parsed.terms) {
      if (own(allowed, field)?.includes(operator) !== true) {
        const detail = `Invalid filter. '${operator}' is not allowed for the field '${field.slice(0, 50)}'.`;
        return this.invalid('filter', detail);
      }
      if (this.#support.filter && !this.#support.filter.includes(field)) {
        return this.#unbuilt(`A filter by ${field}`);
      }
    }
    return { filter: parsed.terms };
  }

  #cursor(value: string): Partial<ApiQuery> | Refused {
    const cursor = readCursor(value);
    return cursor ? { cursor } : this.invalid('page[cursor]', 'Invalid cursor.');
  }

  #size(value: string, { min, max }: { min: number; max: number }): Partial<ApiQuery> | Refused {
    const size = /^\d{1,5}$/.test(value) ? Number(value) : 0;
    if (size >= min && size <= max) return { size };
    return this.invalid('page[size]', `'page[size]' must be between ${min} and ${max}.`);
  }
}

/** A member of a record, never what every object inherits. */
function own<Value>(
  record: Readonly<Record<string, Value>> | undefined,
  name: string,
): Value | undefined {
  return record && Object.hasOwn(record, name) ? record[name] : undefined;
}

/** Custom properties may be asked for one by one: `properties.tier`. */
function isProperty(item: string, allowed: readonly string[]): boolean {
  const [root = ''] = item.split('.', 1);
  return (root === 'properties' || root === 'event_properties') && allowed.includes(root);
}
