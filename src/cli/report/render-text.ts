import { cleanText } from '../../http/pages/clean-text.ts';
import { formatTable } from '../terminal.ts';
import type { ReportBar, ReportDocument, ReportSection } from './report-document.ts';

const barWidth = 40;

/** Renders a report for a terminal. */
export function renderText({ title, subtitle, sections }: ReportDocument): string {
  const head = [clean(title), clean(subtitle)];
  return [...head, ...sections.flatMap((section) => ['', ...renderSection(section)]), ''].join(
    '\n',
  );
}

function renderSection({ title, notes, facts, bars, table }: ReportSection): string[] {
  const rows = table?.rows ?? [];
  return [
    clean(title),
    ...(facts ? formatColumns(facts) : []),
    ...(bars ? formatBars(bars) : []),
    ...(table && rows.length > 0
      ? formatColumns([table.header.map((name) => name.toUpperCase()), ...rows])
      : []),
    ...(notes ?? []).map((note) => `  ${clean(note)}`),
  ];
}

function formatBars(bars: readonly ReportBar[]): string[] {
  const largest = Math.max(1, ...bars.map(({ value }) => value));
  return formatColumns(
    bars.map(({ label, value, note = '' }) => [
      label,
      String(value),
      note,
      '█'.repeat(Math.round((value / largest) * barWidth)),
    ]),
  );
}

function formatColumns(rows: readonly (readonly string[])[]): string[] {
  const [first = [], ...rest] = rows.map((row) => row.map(clean));
  return formatTable(first, rest).map((line) => `  ${line}`);
}

const clean = (text: string) => cleanText(text, 500);
