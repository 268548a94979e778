import { StringDecoder } from 'node:string_decoder';
import { parse } from 'csv-parse/sync';
import { toColumnName, type RawRow } from './customer-row.ts';

/** One record of a CSV file. */
export interface CsvRecord {
  /** The line it begins on, counted from 1. */
  readonly line: number;
  /** Its fields, trimmed; `undefined` when the record is not CSV. */
  readonly fields: readonly string[] | undefined;
}

/** A quoted field may run over so many lines; a quote that is open for longer was never closed. */
const longestRecordLines = 50;

/**
 * Reads records from bytes, each for itself: whatever is wrong with one, the next begins with the
 * next line. Comma, semicolon or tab, whichever the first line uses more; blank lines are passed
 * over; memory stays flat.
 */
export async function* readCsvRecords(
  input: AsyncIterable<Buffer | string>,
): AsyncGenerator<CsvRecord> {
  let delimiter: string | undefined;
  let open: string[] = [];
  let line = 0;

  function* take(next: string | undefined): Generator<CsvRecord> {
    if (next !== undefined) open.push(next);
    while (open.length > 0) {
      const text = open.join('\n');
      const closed = (text.split('"').length - 1) % 2 === 0;
      if (!closed && next !== undefined && open.length < longestRecordLines) return;
      const first = line - open.length + 1;
      if (closed) {
        open = [];
        if (text.trim() === '') return;
        delimiter ??= detectDelimiter(text);
        yield { line: first, fields: parseRecord(text, delimiter) };
        return;
      }
      // The quote was never closed: its own line is lost, those behind it are read again.
      yield { line: first, fields: undefined };
      const [, ...rest] = open;
      open = [];
      line = first;
      for (const each of rest) {
        line += 1;
        yield* take(each);
      }
    }
  }

  for await (const next of readLines(input)) {
    line += 1;
    yield* take(next);
  }
  yield* take(undefined);
}

/** Semicolons are what spreadsheets write in much of Europe. */
function detectDelimiter(header: string): string {
  const count = (delimiter: string) => header.split(delimiter).length;
  return [';', '\t'].find((delimiter) => count(delimiter) > count(',')) ?? ',';
}

function parseRecord(text: string, delimiter: string): string[] | undefined {
  try {
    // A stray quote is part of the value, which then fails on its own, with its customer's name.
    const [fields] = parse(text, { delimiter, trim: true, relax_quotes: true, bom: true });
    return fields;
  } catch {
    return undefined;
  }
}

/** One line of a file of JSON lines: its fields as text, or what is wrong with it. */
export type JsonLine =
  | { readonly line: number; readonly record: RawRow; readonly problem?: never }
  | { readonly line: number; readonly record?: never; readonly problem: string };

/** Longer lines are no customers; reading on within one would take memory without end. */
const longestLine = 1_000_000;

/** Reads JSON lines from bytes, each for itself. Blank lines are passed over. */
export async function* readJsonLines(input: AsyncIterable<Buffer>): AsyncGenerator<JsonLine> {
  let line = 0;
  for await (const text of readLines(input, longestLine)) {
    line += 1;
    const json = line === 1 ? text.replace(/^\ufeff/, '') : text;
    if (json.trim() === '') continue;
    yield { line, ...parseLine(json) };
  }
}

function parseLine(
  text: string,
): { readonly record: RawRow } | { readonly record?: never; readonly problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: 'the line is not valid JSON' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return {
      problem: 'the line is not a JSON object such as {"customer_id": …, "private_key": …}',
    };
  }
  return { record: toRecord(value) };
}

/** The fields of an object as a row: numbers, dates and the like as text, nested values left out. */
export function toRecord(value: object): RawRow {
  const record: Record<string, string> = {};
  for (const [name, field] of Object.entries(value) as [string, unknown][]) {
    const text = toText(field);
    if (text !== undefined) record[toColumnName(name)] = text.trim();
  }
  return record;
}

function toText(field: unknown): string | undefined {
  switch (typeof field) {
    case 'string':
      return field;
    case 'number':
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
 * Splits bytes of UTF-8 into lines, whichever of the three line ends they use. A line beyond
 * `longest` characters is given in pieces, so that memory stays flat.
 */
async function* readLines(
  input: AsyncIterable<Buffer | string>,
  longest = 10_000_000,
): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of input) {
    rest += typeof chunk === 'string' ? chunk : decoder.write(chunk);
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
  rest += decoder.end();
  if (rest !== '') yield* rest.split(/\r\n|\n|\r/);
}
