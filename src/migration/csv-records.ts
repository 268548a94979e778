import { parse } from 'csv-parse/sync';
import { readLines } from './text-lines.ts';

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
