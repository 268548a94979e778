import { toColumnName, type RawRow } from './customer-row.ts';
import { readLines } from './text-lines.ts';

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
