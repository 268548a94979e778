import type { CampaignReport } from '../../migration/report/campaign-report.ts';
import { journeyStages, stages } from '../../model/stages.ts';
import {
  formatDay,
  formatShare,
  formatSpan,
  formatTime,
  type ReportDocument,
  type ReportSection,
} from './report-document.ts';
import { count } from '../../runtime/count.ts';

/** Lays out how the campaign stands. */
export function toCampaignDocument(report: CampaignReport): ReportDocument {
  return {
    title: 'Migration report',
    subtitle: `${report.customers} customers, ${formatTime(report.atMs)} UTC`,
    sections: [
      funnel(report),
      standing(report),
      forecast(report),
      times(report),
      failures(report),
      unanswered(report),
      messages(report),
    ],
  };
}

function funnel({ funnel: counts, customers }: CampaignReport): ReportSection {
  return {
    title: 'Funnel',
    notes: ['Customers who have reached this stage at any time.'],
    bars: journeyStages.map((step) => ({
      label: step,
      value: counts[step],
      note: formatShare(counts[step], customers),
    })),
  };
}

function standing({ now, customers }: CampaignReport): ReportSection {
  const rows = stages.flatMap((stage) =>
    now[stage] === undefined ? [] : [[stage, String(now[stage])]],
  );
  return {
    title: 'Where they are now',
    table: {
      header: ['stage', 'customers'],
      rows: [...rows, ['sum', String(customers)]],
      numeric: [1],
    },
  };
}

function forecast({ forecast: line, funnel: counts, customers }: CampaignReport): ReportSection {
  const facts: [string, string][] = [
    [
      'consented',
      `${counts.authorized} of ${customers} (${formatShare(counts.authorized, customers)})`,
    ],
    [
      'consents per day',
      `${line.ratePerDay.toFixed(1)}, over the last ${line.daysCounted === 1 ? 'day' : `${line.daysCounted} days`}`,
    ],
    [
      'all consented',
      line.completeAtMs === undefined
        ? 'never, without further consents'
        : `on ${formatDay(line.completeAtMs)} at this rate`,
    ],
  ];
  const { deadline } = line;
  if (deadline) {
    facts.push(
      [
        'deadline',
        `${formatDay(deadline.atMs)}, in ${count(Math.round(deadline.daysLeft), 'day')}: ${deadline.inReach ? 'within reach' : 'OUT OF REACH'}`,
      ],
      [
        'consented by then',
        `${deadline.consentedByThen} of ${customers}, ${deadline.missingByThen} missing`,
      ],
      ['needed per day', deadline.neededPerDay.toFixed(1)],
    );
  }
  return {
    title: 'Forecast',
    facts,
    notes: ['A straight line through the last two weeks: an estimate, not a promise.'],
  };
}

function times({ timeInStage }: CampaignReport): ReportSection {
  return {
    title: 'Time in stage',
    notes: ['Finished stays only: p50 is the median, p90 covers 9 in 10.'],
    table: {
      header: ['stage', 'stays', 'p50', 'p90'],
      rows: timeInStage.map(({ stage, stays, p50Ms, p90Ms }) => [
        stage,
        String(stays),
        formatSpan(p50Ms),
        formatSpan(p90Ms),
      ]),
      numeric: [1, 2, 3],
    },
  };
}

function failures({ failures: counts, atMs }: CampaignReport): ReportSection {
  return {
    title: 'Failures by reason',
    notes: counts.length === 0 ? ['Nobody needs attention.'] : [],
    table: {
      header: ['reason', 'customers', 'longest for'],
      rows: counts.map(({ reason, count, oldestMs }) => [
        reason,
        String(count),
        formatSpan(Math.max(0, atMs - oldestMs)),
      ]),
      numeric: [1, 2],
    },
  };
}

function unanswered({ unanswered: waiting }: CampaignReport): ReportSection {
  const hidden = waiting.count - waiting.longest.length;
  return {
    title: `Not responded: ${waiting.count}`,
    notes: hidden > 0 ? [`${hidden} more, invited later; use --limit.`] : [],
    table: {
      header: ['customer', 'name', 'invited', 'told', 'reminders', 'opened', 'link ends'],
      rows: waiting.longest.map((each) => [
        each.customerId,
        each.name ?? '–',
        formatDay(each.invitedAtMs),
        formatDay(each.firstToldAtMs),
        String(each.reminders),
        formatDay(each.openedAtMs),
        formatDay(each.expiresAtMs),
      ]),
      numeric: [4],
    },
  };
}

function messages({ messages: counts }: CampaignReport): ReportSection {
  return {
    title: 'Messages',
    notes: counts.length === 0 ? ['Keyshift has sent none.'] : [],
    table: {
      header: ['kind', 'channel', 'state', 'messages'],
      rows: counts.map(({ kind, channel, state, count }) => [kind, channel, state, String(count)]),
      numeric: [3],
    },
  };
}
