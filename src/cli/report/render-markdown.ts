import { cleanText } from '../../http/pages/clean-text.ts';
import type { ReportDocument, ReportSection, ReportTable } from './report-document.ts';

/** Renders a report as Markdown, with tables as GitHub shows them. */
export function renderMarkdown({ title, subtitle, sections }: ReportDocument): string {
  return `${[`# ${escape(title)}`, escape(subtitle), ...sections.flatMap(renderSection)].join('\n\n')}\n`;
}

function renderSection({ title, notes, facts, bars, table }: ReportSection): string[] {
  return [
    `## ${escape(title)}`,
    ...(facts ? [renderTable({ header: ['', ''], rows: facts })] : []),
    ...(bars
      ? [
          renderTable({
            header: ['', 'customers', 'share'],
            rows: bars.map(({ label, value, note = '' }) => [label, String(value), note]),
            numeric: [1, 2],
          }),
        ]
      : []),
    ...(table && table.rows.length > 0 ? [renderTable(table)] : []),
    ...(notes ?? []).map(escape),
  ];
}

function renderTable({ header, rows, numeric = [] }: ReportTable): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escape).join(' | ')} |`;
  const rule = header.map((_name, column) => (numeric.includes(column) ? '--:' : '---'));
  return [line(header), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n');
}

/** What a customer's name holds is text, whatever it looks like. */
function escape(text: string): string {
  return cleanText(text, 500).replace(/[\\`*_{}[\]<>|#&~]/g, '\\$&');
}
