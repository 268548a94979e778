import { Option, type Command } from 'commander';
import { makeCampaignReport } from '../../migration/report/campaign-report.ts';
import { collectEvidence } from '../../migration/report/evidence.ts';
import type { Workbench } from '../../core/workbench.ts';
import type { CommandContext } from '../command-context.ts';
import { writePrivateFile } from '../file-problem.ts';
import { calendarDay, limitOption } from '../options.ts';
import { toCampaignDocument } from '../report/campaign-document.ts';
import { toEvidenceDocument } from '../report/evidence-document.ts';
import type { ReportDocument } from '../report/report-document.ts';
import { renderHtml } from '../report/render-html.tsx';
import { renderMarkdown } from '../report/render-markdown.ts';
import { renderText } from '../report/render-text.ts';
import { toReportJson } from '../report/to-report-json.ts';
import { withWorkbench } from '../run-with.ts';

const formats = ['text', 'markdown', 'html', 'json'] as const;
type Format = (typeof formats)[number];

interface ReportFlags {
  readonly customer?: string;
  readonly deadline?: number;
  readonly format: Format;
  readonly out?: string;
  readonly limit: number;
  readonly json?: boolean;
}

/** `keyshift report`: how the campaign stands, or everything on record about one customer. */
export function addReportCommand(program: Command, { terminal, run }: CommandContext): void {
  program
    .command('report')
    .description('report the progress of the migration, or everything on record about one customer')
    .option('--customer <id>', 'the evidence for this customer')
    .option('--deadline <day>', 'forecast for this day, such as 2027-01-31', calendarDay)
    .addOption(limitOption(20, 'how many of those who have not responded are named'))
    .addOption(new Option('--format <name>', 'output format').choices(formats).default('text'))
    .option('--out <file>', 'write to this file')
    .option('--json', 'the same as --format json')
    .action(
      run((flags: ReportFlags) =>
        withWorkbench(async (workbench) => {
          const text = await makeReport(workbench, flags);
          if (flags.out === undefined) {
            terminal.print(text.trimEnd());
          } else {
            await writePrivateFile(flags.out, text);
            terminal.note(`written to ${flags.out}`);
          }
          return 0;
        }),
      ),
    );
}

async function makeReport({ store, clock }: Workbench, flags: ReportFlags): Promise<string> {
  const nowMs = clock.now();
  const format = flags.json === true ? 'json' : flags.format;
  if (flags.customer !== undefined) {
    const evidence = await collectEvidence(store, flags.customer, nowMs);
    return format === 'json'
      ? toReportJson(evidence)
      : render(toEvidenceDocument(evidence), format);
  }
  const report = await makeCampaignReport(store, {
    ...{ nowMs, named: flags.limit },
    ...(flags.deadline === undefined ? {} : { deadlineMs: flags.deadline }),
  });
  return format === 'json' ? toReportJson(report) : render(toCampaignDocument(report), format);
}

function render(document: ReportDocument, format: Exclude<Format, 'json'>): string {
  switch (format) {
    case 'text':
      return renderText(document);
    case 'markdown':
      return renderMarkdown(document);
    case 'html':
      return renderHtml(document);
    default:
      return format satisfies never;
  }
}
