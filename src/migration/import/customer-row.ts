import { parsePrivateKey, type PrivateKey } from '../../klaviyo/private-key.ts';
import type { Labels } from '../../model/labels.ts';
import { findCustomerIdProblem, holdsPrivateKey, isEmailAddress } from '../../model/customer.ts';

/** A row of the customers' list that can be imported. */
export interface CustomerRow {
  readonly kind: 'customer';
  /** Line in the file, counted from 1 with the header; of a query, the number of the row. */
  readonly line: number;
  readonly customerId: string;
  readonly key: PrivateKey;
  readonly email: string | undefined;
  readonly name: string | undefined;
  /** What the further columns say; an empty value takes a label away. */
  readonly labels: Labels;
  /** What was odd and did not stop the row. */
  readonly warnings: readonly RowProblem[];
}

/** A row that cannot. */
export interface InvalidRow {
  readonly kind: 'invalid';
  readonly line: number;
  readonly customerId: string | undefined;
  readonly problem: RowProblem;
}

/** Rows as they are read, one at a time. */
export type CustomerRows = AsyncIterable<CustomerRow | InvalidRow>;

/** What is wrong with a row, in words that never repeat a key. */
export interface RowProblem {
  readonly code:
    | 'row_malformed'
    | 'customer_id_missing'
    | 'customer_id_invalid'
    | 'private_key_missing'
    | 'private_key_malformed'
    | 'not_utf8'
    | 'key_in_wrong_column'
    | 'email_invalid'
    | 'label_invalid'
    | 'customer_id_rounded'
    | 'cells_missing';
  readonly message: string;
}

/** How rows are read, whatever they come from. */
export interface RowOptions {
  /** The column whose value is also the label `cohort`. */
  readonly cohortColumn?: string | undefined;
}

/** One row by the names of its columns, as {@link toColumnName} gives them. */
export type RawRow = Readonly<Record<string, string | undefined>>;

const longestName = 200;
const longestLabel = 200;
const mostLabels = 32;

/** What an import reads by its name; every other column becomes a label. */
export const ownColumns = new Set(['customer_id', 'private_key', 'email', 'name']);

/** Further columns that a company may have beside the key, and that must not be kept in clear. */
const secretColumn = /secret|token|passw|api_?key|credential/;

/**
 * The name of a column: lower case with underscores, so that `Customer ID`, `customer-id`,
 * `customerId` and `CUSTOMERID` are one.
 */
export function toColumnName(heading: string): string {
  const name = heading
    .replaceAll(/\p{Cf}/gu, '')
    .trim()
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replaceAll(/[\s-]+/g, '_');
  return unjoined.get(name.replaceAll('_', '')) ?? name;
}

const unjoined = new Map(Array.from(ownColumns, (name) => [name.replaceAll('_', ''), name]));

/**
 * The names of columns, each once: of further columns that share one, the second is `plan_2`.
 * `twice` is a name that must not be shared.
 */
export function nameColumns(headings: readonly string[]): {
  readonly names: string[];
  readonly twice: string | undefined;
} {
  const seen = new Map<string, number>();
  let twice: string | undefined;
  const names = headings.map(toColumnName).map((name) => {
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    if (times > 1 && ownColumns.has(name)) twice = name;
    return times === 1 ? name : `${name}_${times}`;
  });
  return { names, twice };
}

/** The columns that every list needs and this one lacks. */
export function missingColumns(names: readonly string[], options: RowOptions = {}): string[] {
  const needed = ['customer_id', 'private_key'];
  if (options.cohortColumn !== undefined) needed.push(toColumnName(options.cohortColumn));
  return needed.filter((name) => !names.includes(name));
}

/**
 * Reads one row. Columns beside `customer_id`, `private_key`, `email` and `name` become labels,
 * apart from those whose names speak of a secret.
 */
export function readCustomerRow(
  record: RawRow,
  line: number,
  options: RowOptions = {},
): CustomerRow | InvalidRow {
  const customerId = record['customer_id'] ?? '';
  const keyText = record['private_key'] ?? '';
  const invalid = (code: RowProblem['code'], message: string, shownId?: string): InvalidRow => ({
    kind: 'invalid',
    line,
    customerId: shownId,
    problem: { code, message },
  });
  if (customerId === '') return invalid('customer_id_missing', 'customer_id is empty');
  if (/\ufffd/.test(customerId + keyText)) return invalid('not_utf8', notUtf8);
  const problem = findCustomerIdProblem(customerId) ?? findNumberProblem(customerId);
  if (problem !== undefined) return invalid('customer_id_invalid', problem);
  if (holdsPrivateKey(`${record['name'] ?? ''} ${record['email'] ?? ''}`)) {
    const message = 'name or email contains a private key: are the columns swapped?';
    return invalid('key_in_wrong_column', message, customerId);
  }
  if (keyText === '') return invalid('private_key_missing', 'private_key is empty', customerId);
  const key = parsePrivateKey(keyText);
  if (!key) {
    return invalid(
      'private_key_malformed',
      'private_key must be "pk_" followed by letters and digits',
      customerId,
    );
  }
  const { email, warnings } = readEmail(record['email']);
  if (/^\d{15}0{2,}$/.test(customerId)) {
    const message = 'customer_id ends in zeros from its 16th digit on: did a spreadsheet round it?';
    warnings.push({ code: 'customer_id_rounded', message });
  }
  const name = readName(record['name']);
  if (name?.includes('\ufffd')) warnings.push({ code: 'not_utf8', message: notUtf8 });
  const labels = readLabels(record, options, warnings);
  return { kind: 'customer', line, customerId, key, email, name, labels, warnings };
}

/** What a spreadsheet or a number of 64 bits makes of an id that was longer, or an integer. */
function findNumberProblem(customerId: string): string | undefined {
  if (/^[+-]?\d([.,]\d*)?e[+-]\d+$/i.test(customerId)) {
    return 'customer_id is a rounded number such as 1.2E+18: export it as text';
  }
  if (/^-?\d+[.,]0+$/.test(customerId)) {
    return 'customer_id is a number with decimals: export it as text or as a whole number';
  }
  return undefined;
}

/** Line breaks stay; other control characters, and halves of characters, no database takes. */
function readName(value: string | undefined): string | undefined {
  const name = value?.replaceAll(/[^\P{Cc}\n]|\p{Cs}/gu, ' ').trim();
  return name === '' ? undefined : name?.slice(0, longestName);
}

const notUtf8 = 'the row is not UTF-8: save the file as "CSV UTF-8"';

function readEmail(value: string | undefined): {
  email: string | undefined;
  warnings: RowProblem[];
} {
  if (value === undefined || value === '') return { email: undefined, warnings: [] };
  if (!value.includes('\ufffd') && isEmailAddress(value)) return { email: value, warnings: [] };
  return {
    email: undefined,
    warnings: [{ code: 'email_invalid', message: 'email is not a valid address and was ignored' }],
  };
}

function readLabels(record: RawRow, options: RowOptions, warnings: RowProblem[]): Labels {
  const labels: Record<string, string> = {};
  for (const [name, value] of Object.entries(record)) {
    if (ownColumns.has(name) || value === undefined || secretColumn.test(name)) continue;
    if (!/^[\p{L}\p{N}_.]{1,64}$/u.test(name)) continue;
    if (holdsPrivateKey(value)) {
      const message = `${name} contains a private key and was ignored`;
      warnings.push({ code: 'label_invalid', message });
    } else if (Object.keys(labels).length < mostLabels) {
      if (value.includes('\ufffd')) warnings.push({ code: 'not_utf8', message: notUtf8 });
      labels[name] = value.replaceAll(/\p{C}/gu, ' ').trim().slice(0, longestLabel);
    }
  }
  if (options.cohortColumn !== undefined) {
    const cohort = labels[toColumnName(options.cohortColumn)];
    if (cohort !== undefined) labels['cohort'] = cohort;
  }
  return labels;
}

/** A row of which nothing can be read. */
export function malformedRow(line: number, message: string): InvalidRow {
  return {
    kind: 'invalid',
    line,
    customerId: undefined,
    problem: { code: 'row_malformed', message },
  };
}
