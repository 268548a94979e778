import type { Evidence } from '../../migration/report/evidence.ts';
import type { AuditEntry } from '../../model/audit.ts';
import type { RouteTally } from '../../model/traffic.ts';
import { nameOfCheck } from '../../model/verification.ts';
import { formatTime, type ReportDocument, type ReportSection } from './report-document.ts';

/** Lays out everything that is on record about one customer. */
export function toEvidenceDocument(evidence: Evidence): ReportDocument {
  const { connection, atMs } = evidence;
  return {
    title: `Evidence for ${connection.customerId}`,
    subtitle: `${connection.name ?? connection.accountName ?? 'no name'}, ${formatTime(atMs)} UTC`,
    sections: [
      summary(evidence),
      stagesOf(evidence),
      invitations(evidence),
      messages(evidence),
      consent(evidence),
      traffic(evidence),
      privateKey(evidence),
      auditLog(evidence),
    ],
  };
}

function summary({ connection, labels, metrics }: Evidence): ReportSection {
  const { stage, attentionReason } = connection;
  const labelled = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return {
    title: 'Connection',
    facts: [
      ['stage', attentionReason === undefined ? stage : `${stage}: ${attentionReason}`],
      ['route', connection.route],
      ['Klaviyo account', `${connection.accountId ?? '–'} ${connection.accountName ?? ''}`.trim()],
      ['known since', formatTime(connection.createdAtMs)],
      ['all traffic over OAuth since', formatTime(connection.liveSinceMs)],
      [
        'metrics',
        metrics ? `${metrics.verdict}, ${formatTime(metrics.comparedAtMs)}` : 'not compared',
      ],
      ...(labelled.length > 0 ? [['labels', labelled.join(', ')] as const] : []),
    ],
  };
}

const toStage = ({ fromStage, toStage: to }: AuditEntry) =>
  fromStage === undefined ? (to ?? '–') : `${fromStage} → ${to ?? '–'}`;

function stagesOf({ audit }: Evidence): ReportSection {
  return {
    title: 'Stages',
    table: {
      header: ['time', 'stage', 'by', 'reason'],
      rows: audit
        .filter(({ toStage: to }) => to !== undefined)
        .map((entry) => [formatTime(entry.atMs), toStage(entry), entry.actor, entry.reason ?? '']),
    },
  };
}

function invitations({ invitations: records }: Evidence): ReportSection {
  return {
    title: 'Invitations',
    notes: records.length === 0 ? ['None.'] : [],
    table: {
      header: ['made', 'first opened', 'completed by the consent', 'revoked', 'valid until'],
      rows: records.map((each) => [
        formatTime(each.createdAtMs),
        formatTime(each.openedAtMs),
        formatTime(each.consumedAtMs),
        formatTime(each.revokedAtMs),
        formatTime(each.expiresAtMs),
      ]),
    },
  };
}

function messages({ messages: entries }: Evidence): ReportSection {
  return {
    title: 'Messages',
    notes: entries.length === 0 ? ['None.'] : [],
    table: {
      header: ['made', 'kind', 'channel', 'state', 'ended', 'attempts'],
      rows: entries.map((each) => [
        formatTime(each.createdAtMs),
        each.kind,
        each.channel,
        each.state,
        formatTime(each.endedAtMs),
        String(each.attempts),
      ]),
      numeric: [5],
    },
  };
}

function consent({ checks, foreignConsents }: Evidence): ReportSection {
  return {
    title: 'Consent',
    notes: [
      ...(checks.length === 0 ? ['Not verified.'] : []),
      ...foreignConsents.map(
        (each) =>
          `${formatTime(each.consentedAtMs)}: account ${each.accountId} consented instead; ${each.settledAtMs === undefined ? 'set aside' : `accepted ${formatTime(each.settledAtMs)}`}.`,
      ),
    ],
    table: {
      header: ['check', 'verdict', 'time', 'detail'],
      rows: checks.map((check) => [
        nameOfCheck(check),
        check.verdict,
        formatTime(check.atMs),
        check.detail,
      ]),
    },
  };
}

function traffic({ traffic: routes }: Evidence): ReportSection {
  const toRow = (route: string, tally: RouteTally) => [
    route,
    ...[tally.calls, tally.ok, tally.refused, tally.failed].map(String),
    formatTime(tally.lastAtMs),
  ];
  return {
    title: 'Traffic by route',
    table: {
      header: ['route', 'calls', 'ok', 'refused', 'failed', 'last'],
      rows: [toRow('private key', routes.key), toRow('OAuth', routes.oauth)],
      numeric: [1, 2, 3, 4],
    },
  };
}

const proofWords = {
  refused: 'Klaviyo refuses the key',
  disabled: 'the key is disabled in Klaviyo',
  none: 'without proof, on the responsibility of a person',
} as const;

function privateKey({ privateKey: key, retirement }: Evidence): ReportSection {
  if (!key) return { title: 'Private key', notes: ['None on record.'] };
  return {
    title: 'Private key',
    facts: [
      ['stored', formatTime(key.createdAtMs)],
      ['last used', formatTime(key.lastUsedAtMs)],
      ['quiet', formatTime(retirement?.quietAtMs)],
      ['proof', retirement?.proof === undefined ? '–' : proofWords[retirement.proof]],
      ['proof found', `${formatTime(retirement?.provedAtMs)} ${retirement?.detail ?? ''}`.trim()],
      ['sealed key destroyed', formatTime(key.destroyedAtMs)],
    ],
  };
}

function auditLog({ audit, chain }: Evidence): ReportSection {
  const head = chain.head ? `${chain.head.seq}:${chain.head.hash}` : 'missing';
  return {
    title: 'Audit log',
    notes: [
      chain.intact
        ? `The log verifies. Head: ${head}.`
        : 'THE LOG IS NOT WHAT KEYSHIFT WROTE: see keyshift audit verify.',
    ],
    table: {
      header: ['entry', 'time', 'what', 'by', 'hash'],
      rows: audit.map((entry) => [
        String(entry.seq),
        new Date(entry.atMs).toISOString(),
        entry.toStage === undefined ? entry.action : toStage(entry),
        entry.actor,
        entry.hash ?? '–',
      ]),
      numeric: [0],
    },
  };
}
