import { formatTable, type Terminal } from '../terminal.ts';
import { personas } from './people.ts';
import { funnelStages, outcomes, type Outcome, type RehearsalReport } from './rehearsal-report.ts';

const outcomeWords = {
  moved: 'moved to OAuth, stored key destroyed',
  moved_after_reminder: 'the same, after a reminder',
  moved_despite_mail_scanner: 'the same, after a mail scanner opened the link',
  under_way: 'still under way at the end',
  no_answer: 'did not respond; still on the key',
  declined: 'declined in Klaviyo; still on the key',
  wrong_account: 'chose a different account; nothing changed',
  wrong_role: 'was not allowed to approve; still on the key',
  uninstalled: 'removed the app later; has to consent again',
  key_dead: 'private key rejected by Klaviyo; not invited',
  stuck: 'stuck for another reason',
} as const satisfies Record<Outcome, string>;

/** Prints a rehearsal for people: every number, and sums that can be checked by eye. */
export function printRehearsal(terminal: Terminal, report: RehearsalReport): void {
  const { customers, settings } = report;
  terminal.print(
    `Rehearsal of ${customers} customers over ${settings.days} days, seed ${report.seed}`,
  );
  terminal.print();
  table(
    terminal,
    'Outcomes',
    ['OUTCOME', 'CUSTOMERS', ''],
    [
      ...outcomes
        .filter((outcome) => outcome in report.outcomes)
        .map((outcome) => [outcome, String(report.outcomes[outcome] ?? 0), outcomeWords[outcome]]),
      ['sum', String(sum(Object.values(report.outcomes))), `of ${customers} customers`],
    ],
  );
  table(
    terminal,
    'People',
    ['PEOPLE', 'CUSTOMERS', 'OUTCOMES'],
    [
      ...personas.map((persona) => {
        const counts = Object.entries(report.people[persona]);
        const words = counts.map(([outcome, count]) => `${count} ${outcome}`).join(', ');
        return [persona, String(sum(counts.map(([, count]) => count))), words];
      }),
      [
        'sum',
        String(sum(personas.map((persona) => sum(Object.values(report.people[persona]))))),
        '',
      ],
    ],
  );
  table(
    terminal,
    'Funnel',
    ['STEP', 'CUSTOMERS', ''],
    funnelStages.map((stage) => [
      stage,
      String(report.funnel[stage]),
      '█'.repeat(Math.round((report.funnel[stage] / customers) * 40)),
    ]),
  );
  table(
    terminal,
    'Days from the invitation',
    ['TO', 'P50', 'P90'],
    Object.entries(report.daysFromInvitation).map(([to, { p50, p90 }]) => [
      to,
      String(p50),
      String(p90),
    ]),
  );
  table(
    terminal,
    'Waves',
    ['WAVE', 'DAY', 'CUSTOMERS', 'CONSENTED', 'MOVED'],
    report.waves.map((wave) => [
      String(wave.wave),
      wave.invitedOnDay === undefined ? '–' : String(wave.invitedOnDay),
      ...[wave.customers, wave.consented, wave.moved].map(String),
    ]),
  );
  const mails = Object.entries(report.mails).map(([kind, count]) => `${count} ${kind}`);
  terminal.print(`Mails: ${mails.join(', ') || 'none'}`);
  terminal.print(`Audit log: ${report.auditIntact ? 'intact' : 'DAMAGED'}`);
  terminal.print(report.addsUp ? 'Every customer is accounted for.' : 'The numbers do not add up.');
}

function table(
  terminal: Terminal,
  title: string,
  header: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  terminal.print(title);
  for (const line of formatTable(header, rows)) terminal.print(`  ${line}`);
  terminal.print();
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
