import { parse } from 'csv-parse/sync';
import {
  missingColumns,
  nameColumns,
  ownColumns,
  toColumnName,
  type RawRow,
} from './customer-row.ts';

/** One record of a CSV file: the line it begins on, counted from 1, and its trimmed fields. */
export type CsvRecord =
  | { readonly line: number; readonly fields: readonly string[]; readonly problem?: never }
  | { readonly line: number; readonly fields?: never; readonly problem: string };

/** A quoted field may run over so many lines; a quote that is open for longer was never closed. */
const longestRecordLines = 50;

/** What programs put between fields. A header is tried with each, so that none has to be named. */
const separators = [',', ';', '\t', '|', '^', '~', ':', '\u001f', '\u0001'] as const;

/**
 * Reads records, each for itself: whatever is wrong with one, the next begins with the next line.
 * A quote opens a field only at its start (RFC 4180). The separator is the one by which the header
 * has the columns that are needed, or the one of a first line `sep=;`. Blank lines, and rows of
 * empty fields alone, are passed over; memory stays flat.
 */
export async function* readCsvRecords(input: AsyncIterable<string>): AsyncGenerator<CsvRecord> {
  const read = createRecordParser();
  let pending: string[] = [];
  let line = 1;

  function* drain(ended: boolean): Generator<CsvRecord> {
    while (pending.length > 0) {
      const record: ReadRecord | undefined =
        pending[0]?.trim() === '' ? { lines: 1 } : read(pending, ended);
      if (record === undefined) return;
      if (record.fields) yield { line, fields: record.fields };
      else if (record.problem !== undefined) yield { line, problem: record.problem };
      pending = pending.slice(record.lines);
      line += record.lines;
    }
  }

  for await (const next of input) {
    pending.push(next);
    yield* drain(false);
  }
  yield* drain(true);
}

/** The record at the start of some lines, how many of them it takes, or what is wrong with it. */
interface ReadRecord {
  readonly lines: number;
  /** Neither fields nor a problem: nothing is in it. */
  readonly fields?: readonly string[];
  readonly problem?: string;
}

/** Creates what reads the next record; `undefined` while a quote is open and more may follow. */
function createRecordParser(): (
  lines: readonly string[],
  ended: boolean,
) => ReadRecord | undefined {
  let separator: string | undefined;
  let columns: number | undefined;
  /** So many of the lines are known to end within a quote. */
  let open = 0;

  const parseHeader = (text: string): Parsed => {
    const candidates = separator === undefined ? separators : [separator];
    const tried = candidates.map((each) => ({ each, parsed: parseRecord(text, each) }));
    const fitting = tried.find(({ parsed }) => hasColumns(parsed));
    separator = fitting?.each ?? separator;
    const open = tried.find(({ parsed }) => parsed.state === 'open');
    return (fitting ?? open ?? tried[0])?.parsed ?? { state: 'broken' };
  };

  return (lines, ended) => {
    const most = Math.min(lines.length, longestRecordLines);
    let parsed: Parsed = { state: 'open' };
    let taken = open;
    while (taken < most && parsed.state === 'open') {
      taken += 1;
      const text = lines.slice(0, taken).join('\n');
      const named = columns === undefined && /^"?sep=(.)"?\s*$/i.exec(text)?.[1];
      if (typeof named === 'string') {
        separator = named;
        return { lines: taken };
      }
      parsed = columns === undefined ? parseHeader(text) : parseRecord(text, separator ?? ',');
    }
    open = parsed.state === 'open' && !ended && most < longestRecordLines ? most : 0;
    if (open > 0) return undefined;
    if (parsed.state !== 'whole') return { lines: 1, problem: problems[parsed.state] };
    const fields = parsed.fields.map(toValue);
    const used = fields.findLastIndex((field) => field !== '') + 1;
    if (used === 0) return { lines: taken };
    if (columns === undefined) columns = fields.length;
    else if (swallowsRows(parsed.fields, separator ?? ',', columns)) {
      return { lines: 1, problem: problems.open };
    } else if (used > columns) {
      const problem =
        `the row has ${used} cells, but the header has ${columns}: ` +
        'put quotes around cells that hold the separator';
      return { lines: 1, problem };
    }
    return { lines: taken, fields: fields.slice(0, columns) };
  };
}

const problems = {
  open: 'a quote opens a cell here, and its end is missing or lines further down: check the quotes',
  broken: 'the row is not valid CSV: check its quotes',
} as const;

type Parsed =
  | { readonly state: 'whole'; readonly fields: readonly string[] }
  /** A quote is open at its end. */
  | { readonly state: 'open' }
  | { readonly state: 'broken' };

function parseRecord(text: string, delimiter: string): Parsed {
  try {
    const options = { delimiter, trim: true, relax_quotes: true, skip_empty_lines: false };
    const [fields = []] = parse(text, options);
    return { state: 'whole', fields };
  } catch (error) {
    const { code } = error as { code?: string };
    return { state: code === 'CSV_QUOTE_NOT_CLOSED' ? 'open' : 'broken' };
  }
}

/** A cell without what programs write around its value: `="0042"` of a spreadsheet, `\N` of a database. */
function toValue(cell: string): string {
  if (cell === '\\N' || cell === 'NULL') return '';
  return (/^="([^"]*)"$/.exec(cell)?.[1] ?? cell).trim();
}

function hasColumns(parsed: Parsed): boolean {
  return parsed.state === 'whole' && missingColumns(parsed.fields.map(toColumnName)).length === 0;
}

/**
 * Whether a quoted cell holds lines that are rows by themselves: with a key, or with as many cells.
 * Its quote was never closed, and a later one stands in for its end.
 */
function swallowsRows(fields: readonly string[], separator: string, columns: number): boolean {
  return fields.some((field) =>
    field
      .split('\n')
      .slice(1)
      .some((line) => line.includes('pk_') || line.split(separator).length === columns),
  );
}

/** The fields of a row as text, or what is wrong with it. */
type ReadFields =
  | { readonly record: RawRow; readonly problem?: never }
  | { readonly record?: never; readonly problem: string };

/** One object of a file of JSON. */
export type JsonRow = ReadFields & { readonly line: number };

/** Longer objects are no customers; reading on within one would take memory without end. */
const longestObject = 1_000_000;

/**
 * Reads JSON, each object for itself: one on every line, or all of them in one array, whose
 * elements are counted in place of lines. Blank lines are passed over.
 */
export async function* readJsonRows(text: AsyncIterable<string>): AsyncGenerator<JsonRow> {
  const chunks = text[Symbol.asyncIterator]();
  let head = '';
  while (head.trim() === '') {
    const next = await chunks.next();
    if (next.done === true) return;
    head += next.value;
  }
  async function* all() {
    yield head;
    yield* { [Symbol.asyncIterator]: () => chunks };
  }
  yield* head.trimStart().startsWith('[') ? readArray(all()) : readObjectLines(all());
}

async function* readObjectLines(text: AsyncIterable<string>): AsyncGenerator<JsonRow> {
  let line = 0;
  for await (const each of readLines(text, longestObject)) {
    line += 1;
    if (each.trim() !== '') yield { line, ...parseObject(each) };
  }
}

/** Cuts an array into its elements without holding more than one. */
async function* readArray(chunks: AsyncIterable<string>): AsyncGenerator<JsonRow> {
  let element = '';
  let line = 0;
  let depth = 0;
  let quoted = false;
  let escaped = false;
  let ended = false;

  function* finish(problem?: string): Generator<JsonRow> {
    const text = element;
    element = '';
    line += 1;
    yield { line, ...(problem === undefined ? parseObject(text) : { problem }) };
  }

  for await (const chunk of chunks) {
    for (const char of chunk) {
      if (ended) {
        if (char.trim() === '') continue;
        yield* finish('the array ended before this, and what follows was not read');
        return;
      }
      // A text of JSON holds no line break, so that one that was never closed ends there.
      if (char === '\n') quoted = escaped = false;
      else if (quoted) {
        quoted = escaped || char !== '"';
        escaped = !escaped && char === '\\';
      } else if (char === '"') quoted = true;
      else if (char === '{' || char === '[') depth += 1;
      else if (char === '}' || char === ']') depth -= 1;
      const between = !quoted && depth === 1;
      if (depth === 0) {
        ended = char === ']' || char === '}';
        if (element.trim() !== '') yield* finish();
      } else if (between && char === ',') yield* finish();
      else if (!(between && char === '[')) element += char;
      if (element.length > longestObject) {
        yield* finish('not an object, and what follows was not read: check the brackets');
        return;
      }
    }
  }
  if (!ended) yield* finish('the array breaks off here');
}

function parseObject(text: string): ReadFields {
  let value: unknown;
  try {
    value = JSON.parse(text, keepDigits);
  } catch {
    return { problem: notJson };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { problem: 'not a JSON object such as {"customer_id": …, "private_key": …}' };
  }
  return toRecord(Object.entries(value));
}

const notJson = 'not valid JSON';

/** Digits as they stand: a number of JavaScript rounds ids of 64 bits. */
function keepDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number') return value;
  const source = context?.source ?? '';
  return /^-?[\d.]+$/.test(source) ? source : value.toExponential();
}

/**
 * Fields as a row: numbers, dates and the like as text, nested values left out. A name that comes
 * twice is numbered, unless it says who the customer is.
 */
export function toRecord(fields: readonly (readonly [string, unknown])[]): ReadFields {
  const { names, twice } = nameColumns(fields.map(([name]) => name));
  if (twice !== undefined) return { problem: `it has ${twice} twice` };
  const record: Record<string, string> = {};
  for (const [index, [, field]] of fields.entries()) {
    const [name = '', text] = [names[index], toText(field)];
    if (text !== undefined) record[name] = text.trim();
    else if (ownColumns.has(name)) return { problem: `${name} is neither a text nor a number` };
  }
  return { record };
}

function toText(field: unknown): string | undefined {
  switch (typeof field) {
    case 'string':
      return field;
    case 'number':
      // Beyond these, digits were lost already: the exponent lets nobody take it for an id.
      return Math.abs(field) <= Number.MAX_SAFE_INTEGER ? String(field) : field.toExponential();
    case 'bigint':
    case 'boolean':
      return String(field);
    default:
      if (field instanceof Date) return Number.isNaN(field.getTime()) ? '' : field.toISOString();
      if (field instanceof Uint8Array) return Buffer.from(field).toString('utf8');
      return field === null ? '' : undefined;
  }
}

/**
 * Splits text into lines, whichever of the three line ends they use. A line beyond `longest`
 * characters is given in pieces, so that memory stays flat.
 */
export async function* readLines(
  input: AsyncIterable<string>,
  longest = 10_000_000,
): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of input) {
    rest += chunk;
    // A return at the end of a chunk may be half of a line end.
    const held = rest.endsWith('\r') ? '\r' : '';
    const lines = rest.slice(0, rest.length - held.length).split(/\r\n|\n|\r/);
    rest = (lines.pop() ?? '') + held;
    yield* lines;
    if (rest.length > longest) {
      yield rest;
      rest = '';
    }
  }
  if (rest !== '') yield* rest.split(/\r\n|\n|\r/);
}
