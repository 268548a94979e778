import type { Command } from 'commander';
import { z } from 'zod';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import { isOwn } from '../../migration/metrics/compare-metrics.ts';
import { findNameDrift, type NameDrift } from '../../migration/metrics/lint-names.ts';
import { select } from '../../migration/operate/selection.ts';
import type { Store } from '../../store/store.ts';
import { parseSnapshot } from '../../migration/metrics/metric.ts';
import type { CommandContext } from '../command-context.ts';
import { withWorkbench } from '../run-with.ts';
import { addSelectionOptions, toSelection, type SelectionFlags } from '../options.ts';
import { count } from '../../runtime/count.ts';
import { readTextFile } from '../file-problem.ts';

interface LintFlags extends SelectionFlags {
  readonly names?: string;
  readonly json?: boolean;
}

/** `keyshift metrics lint`: names that a person would take for one metric, and Klaviyo for several. */
export function addLintCommand(metrics: Command, { terminal, run }: CommandContext): void {
  addSelectionOptions(metrics.command('lint'))
    .description('find metric names that differ only in case or spacing')
    .option('--names <file>', 'the names you send: one a line, or a JSON array')
    .option('--json', 'print one JSON object')
    .action(
      run((flags: LintFlags) =>
        withWorkbench(async ({ store }) => {
          const own = flags.names === undefined ? [] : parseNames(await readTextFile(flags.names));
          const findings: { readonly customerId?: string; readonly drift: NameDrift }[] = [];
          for (const drift of findNameDrift(own)) findings.push({ drift });
          const listed = new Set(findings.map(({ drift }) => drift.names.join('\n')));
          for await (const { id, customerId } of selected(store, flags)) {
            const snapshot = await store.metricRecords.latestSnapshot(id);
            const metrics = snapshot ? parseSnapshot(snapshot.content).metrics.filter(isOwn) : [];
            const names = [...own, ...metrics.map(({ name }) => name)];
            for (const drift of findNameDrift(names)) {
              if (!listed.has(drift.names.join('\n'))) findings.push({ customerId, drift });
            }
          }
          if (flags.json === true) {
            const rows = findings.map(({ customerId, drift }) => ({
              customer_id: customerId ?? null,
              ...drift,
            }));
            terminal.print(JSON.stringify({ names: own.length, findings: rows }));
          } else {
            for (const { customerId, drift } of findings) {
              const names = drift.names.map((name) => JSON.stringify(name)).join(', ');
              const where = customerId ?? flags.names ?? '';
              terminal.print(`${where}: ${names} differ only in ${drift.difference}`);
            }
            terminal.print(
              findings.length === 0
                ? 'No names differ only in case or spacing'
                : `${count(findings.length, 'group')} of names ${findings.length === 1 ? 'differs' : 'differ'} only in case or spacing`,
            );
          }
          return findings.length > 0 ? 2 : 0;
        }),
      ),
    );
}

/** Without a selection only the file is looked at. */
function selected(store: Store, flags: LintFlags) {
  const { all, cohort, customer, wave, names } = flags;
  const none = all !== true && !cohort && !customer && wave === undefined;
  return none && names !== undefined ? [] : select(store, toSelection(flags));
}

function parseNames(text: string): string[] {
  const content = text.replace(/^\uFEFF/, '');
  if (!content.trimStart().startsWith('['))
    return content.split(/\r?\n/).filter((name) => name !== '');
  try {
    return z.array(z.string()).parse(JSON.parse(content));
  } catch (cause) {
    throw new KeyshiftError(
      'request_invalid',
      'The file of names is not a JSON array of strings.',
      {
        cause,
        fix: 'Write one name a line, or ["Placed Order", …].',
      },
    );
  }
}
