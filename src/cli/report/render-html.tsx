import { createHash } from 'node:crypto';
import { raw } from 'hono/html';
import { cleanText } from '../../http/pages/clean-text.ts';
import { palettes, type Palette } from '../../http/pages/palette.ts';
import type { ReportBar, ReportDocument, ReportSection, ReportTable } from './report-document.ts';

/** Renders a report as one page that needs nothing else: no script, no network, its styles inside. */
export function renderHtml(document: ReportDocument): string {
  // A node of hono/jsx is its markup when it is read as a string.
  const page = (<Page document={document} />) as unknown as string;
  return `<!doctype html>\n${page}\n`;
}

function Page({ document }: { readonly document: ReportDocument }) {
  const stylesheet = createStylesheet();
  const styleHash = createHash('sha256').update(stylesheet).digest('base64');
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta
          http-equiv="Content-Security-Policy"
          content={`default-src 'none'; style-src 'sha256-${styleHash}'`}
        />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <meta name="robots" content="noindex" />
        <title>{clean(document.title)}</title>
        <style>{raw(stylesheet)}</style>
      </head>
      <body>
        <header>
          <h1>{clean(document.title)}</h1>
          <p class="subtitle">{clean(document.subtitle)}</p>
        </header>
        <main>
          {document.sections.map((section) => (
            <Section section={section} />
          ))}
        </main>
        <footer>Created by Keyshift. Times are in UTC.</footer>
      </body>
    </html>
  );
}

function Section({ section }: { readonly section: ReportSection }) {
  const { title, notes = [], facts, bars, table } = section;
  return (
    <section>
      <h2>{clean(title)}</h2>
      {facts && (
        <dl>
          {facts.map(([label, value]) => (
            <div>
              <dt>{clean(label)}</dt>
              <dd>{clean(value)}</dd>
            </div>
          ))}
        </dl>
      )}
      {bars && <Bars bars={bars} title={title} />}
      {table && table.rows.length > 0 && <Table table={table} title={title} />}
      {notes.map((note) => (
        <p class="note">{clean(note)}</p>
      ))}
    </section>
  );
}

const bar = { height: 22, gap: 6, labelWidth: 110, width: 430, noteWidth: 130 } as const;

/** Drawn here, by attributes alone: a strict policy forbids styles in the markup. */
function Bars({ bars, title }: { readonly bars: readonly ReportBar[]; readonly title: string }) {
  const largest = Math.max(1, ...bars.map(({ value }) => value));
  const height = bars.length * (bar.height + bar.gap);
  const width = bar.labelWidth + bar.width + bar.noteWidth;
  return (
    <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={clean(title)}>
      {bars.map(({ label, value, note = '' }, index) => {
        const y = index * (bar.height + bar.gap);
        const length = (value / largest) * bar.width;
        const middle = y + bar.height / 2;
        return (
          <g>
            <text x={bar.labelWidth - 10} y={middle} class="label">
              {clean(label)}
            </text>
            <rect x={bar.labelWidth} y={y} width={bar.width} height={bar.height} class="track" />
            <rect
              x={bar.labelWidth}
              y={y}
              width={length.toFixed(1)}
              height={bar.height}
              class="bar"
            />
            <text x={bar.labelWidth + bar.width + 10} y={middle} class="value">
              {`${value} `}
              <tspan class="share">{clean(note)}</tspan>
            </text>
          </g>
        );
      })}
    </svg>
  );
}

function Table({ table, title }: { readonly table: ReportTable; readonly title: string }) {
  const classOf = (column: number) => (table.numeric?.includes(column) ? 'number' : undefined);
  return (
    <div class="scroll" tabindex={0} role="region" aria-label={clean(title)}>
      <table>
        <thead>
          <tr>
            {table.header.map((name, column) => (
              <th scope="col" class={classOf(column)}>
                {clean(name)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row) => (
            <tr class={row[0] === 'sum' ? 'sum' : undefined}>
              {row.map((cell, column) => (
                <td class={classOf(column)}>{clean(cell)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const clean = (text: string) => cleanText(text, 500);

function createStylesheet(): string {
  return `
:root{color-scheme:light dark;${variables(palettes.light)}}
@media (prefers-color-scheme:dark){:root{${variables(palettes.dark)}}}
*{box-sizing:border-box}
body{margin:0 auto;padding:2rem 1.25rem;max-width:60rem;background:var(--page);color:var(--text);font:16px/1.5 system-ui,sans-serif}
h1{margin:0;font-size:1.7rem;line-height:1.2}
h2{margin:0 0 .75rem;font-size:1.1rem}
.subtitle,.note,footer{color:var(--muted)}
.subtitle{margin:.25rem 0 1.5rem}
section{margin:0 0 1.25rem;padding:1.25rem;background:var(--surface);border:1px solid var(--line);border-radius:.5rem}
.note{margin:.75rem 0 0;font-size:.9rem;overflow-wrap:anywhere}
dl{margin:0}
dl div{display:flex;flex-wrap:wrap;gap:.25rem 1rem;padding:.3rem 0;border-bottom:1px solid var(--line)}
dl div:last-child{border-bottom:0}
dt{flex:0 0 12rem;color:var(--muted)}
dd{margin:0;flex:1 1 16rem;overflow-wrap:anywhere}
svg{display:block;width:100%;max-width:44rem;height:auto;font:13px system-ui,sans-serif}
svg text{fill:var(--text);dominant-baseline:central}
svg .label{text-anchor:end}
svg .value{font-weight:600}
svg .share{fill:var(--muted);font-weight:400}
svg .track{fill:var(--sunken)}
svg .bar{fill:var(--accent)}
.scroll{overflow-x:auto}
table{width:100%;min-width:32rem;border-collapse:collapse;font-size:.92rem}
th,td{padding:.35rem .75rem .35rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
th{color:var(--muted);font-weight:600;white-space:nowrap}
.number{padding-right:1.5rem;text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.sum td{font-weight:600}
footer{font-size:.85rem}
@media print{
:root{color-scheme:light;${variables(palettes.light)}}
body{max-width:none;padding:0;background:none;font-size:10pt}
section{border:0;padding:0;break-inside:auto}
h2{break-after:avoid}
tr,svg,dl div{break-inside:avoid}
.scroll{overflow:visible}
td{overflow-wrap:anywhere}
svg .track,svg .bar{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
`;
}

function variables(palette: Palette): string {
  const names = ['page', 'surface', 'sunken', 'text', 'muted', 'line', 'accent'] as const;
  return names.map((name) => `--${name}:${palette[name]}`).join(';');
}
