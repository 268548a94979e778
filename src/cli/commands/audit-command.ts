import { InvalidArgumentError, type Command } from 'commander';
import { requireConnection } from '../../migration/operate/selection.ts';
import { createCustomerNames } from '../../migration/report/queries.ts';
import type { AuditBreak, AuditEntry, AuditHead, AuditVerdict } from '../../model/audit.ts';
import type { Store } from '../../store/store.ts';
import type { CommandContext } from '../command-context.ts';
import { limitOption } from '../options.ts';
import { withWorkbench } from '../run-with.ts';
import { formatTable, type Terminal } from '../terminal.ts';

interface VerifyFlags {
  readonly head?: KnownHead;
  readonly json?: boolean;
}

interface ListFlags {
  readonly customer?: string;
  readonly limit: number;
  readonly json?: boolean;
}

/** A recorded end that somebody wrote down outside of the database. */
interface KnownHead {
  readonly seq: number;
  readonly hash: string;
}

/** `keyshift audit`: shows the audit log, and proves that nobody changed it. */
export function addAuditCommand(program: Command, context: CommandContext): void {
  const audit = program
    .command('audit')
    .description('show the audit log, and prove that nobody changed it');
  addVerify(audit, context);
  addList(audit, context);
}

function addVerify(audit: Command, { terminal, run }: CommandContext): void {
  audit
    .command('verify')
    .description('check the whole audit log and name every entry that was changed')
    .option(
      '--head <seq:hash>',
      'also prove that the log contains this entry, as printed by an earlier run',
      parseHead,
    )
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Exit code 0: the log is what Keyshift wrote; 2: it is not. Each entry has an HMAC over its content and the entry before it, with a key that is sealed in the database: write access to the database is not enough to forge one. The database alone cannot show that all of it was set back to an older state: keep the printed head elsewhere, and pass it to a later run as --head.`,
    )
    .action(
      run((flags: VerifyFlags) =>
        withWorkbench(async ({ store }) => {
          const known = flags.head ? await holdsEntry(store, flags.head) : undefined;
          const progress = terminal.progress('verifying', (await store.audit.head())?.seq ?? 0);
          const verdict = await store.audit
            .verify((entries) => {
              progress.update(entries);
            })
            .finally(() => {
              progress.stop();
            });
          const intact = verdict.breakCount === 0 && known !== false;
          if (flags.json === true) terminal.print(JSON.stringify(toJson(verdict, known, intact)));
          else printVerdict(terminal, verdict, flags.head, known);
          return intact ? 0 : 2;
        }),
      ),
    );
}

function parseHead(value: string): KnownHead {
  const parts = /^(\d{1,15}):([\w-]{43})$/.exec(value);
  if (!parts) throw new InvalidArgumentError('Write it as seq:hash, the way verify prints it.');
  return { seq: Number(parts[1]), hash: parts[2] ?? '' };
}

async function holdsEntry({ audit }: Store, { seq, hash }: KnownHead): Promise<boolean> {
  if (seq === 0) return true;
  for await (const entry of audit.list({ afterSeq: seq - 1 })) {
    return entry.seq === seq && entry.hash === hash;
  }
  return false;
}

function toJson(verdict: AuditVerdict, known: boolean | undefined, intact: boolean) {
  const { head } = verdict;
  return {
    intact,
    entries: verdict.entries,
    head: head && {
      seq: head.seq,
      hash: head.hash,
      chained_since: new Date(head.beganAtMs).toISOString(),
      earlier_events: head.earlierEvents,
    },
    holds_head: known ?? null,
    break_count: verdict.breakCount,
    breaks: verdict.breaks.map((each) => ({ ...each, description: describeBreak(each) })),
  };
}

function printVerdict(
  terminal: Terminal,
  verdict: AuditVerdict,
  expected: KnownHead | undefined,
  known: boolean | undefined,
): void {
  for (const each of verdict.breaks) terminal.print(describeBreak(each));
  const unlisted = verdict.breakCount - verdict.breaks.length;
  if (unlisted > 0) terminal.print(`and ${unlisted} more`);
  if (expected && known === false) {
    terminal.print(`the log does not contain entry ${expected.seq} with the given hash`);
  }
  const entries = verdict.entries === 1 ? '1 entry' : `${verdict.entries} entries`;
  if (verdict.breakCount === 0 && known !== false) {
    terminal.print(`The audit log is intact: ${entries}.`);
    printHead(terminal, verdict.head);
  } else {
    terminal.print(`The audit log is not what Keyshift wrote (${entries} read).`);
  }
}

function printHead(terminal: Terminal, head: AuditHead | undefined): void {
  if (!head) return;
  if (head.earlierEvents > 0) {
    const since = new Date(head.beganAtMs).toISOString();
    terminal.print(`${head.earlierEvents} of them are older than the chain (${since}).`);
  }
  terminal.print(`head ${head.seq}:${head.hash}`);
}

/** One line for people about one break. */
function describeBreak(found: AuditBreak): string {
  switch (found.kind) {
    case 'changed':
      return `entry ${found.seq} was changed`;
    case 'inserted':
      return `entry ${found.seq} was inserted`;
    case 'moved':
      return `entry ${found.seq} was written as entry ${found.writtenAs}: reordered or copied`;
    case 'removed':
      return `${range(found)} removed`;
    case 'truncated':
      return `${range(found)} removed from the end of the log`;
    case 'head':
      return `the recorded end of the log was altered or is missing; entries after ${found.seq} may be gone`;
    default:
      return found satisfies never;
  }
}

function range({ seq, lastSeq }: { readonly seq: number; readonly lastSeq: number }): string {
  return seq === lastSeq ? `entry ${seq} was` : `entries ${seq} to ${lastSeq} were`;
}

function addList(audit: Command, { terminal, run }: CommandContext): void {
  audit
    .command('list')
    .description('show the entries of the audit log, newest first')
    .option('--customer <id>', 'only this customer, oldest first')
    .addOption(limitOption(50))
    .option('--json', 'print every entry, oldest first, one JSON object a line')
    .action(
      run((flags: ListFlags) =>
        withWorkbench(async ({ store }) => {
          const nameOf = createCustomerNames(store);
          const customers = async ({ connectionId: id }: AuditEntry) =>
            id === undefined ? undefined : nameOf(id);
          const filter = flags.customer
            ? { connectionId: (await requireConnection(store, flags.customer)).id }
            : {};
          if (flags.json === true) {
            for await (const entry of store.audit.list(filter)) {
              terminal.print(JSON.stringify(entryToJson(entry, await customers(entry))));
            }
            return 0;
          }
          const rows: string[][] = [];
          const entries = store.audit.list({
            ...filter,
            newestFirst: flags.customer === undefined,
          });
          for await (const entry of entries) {
            if (rows.length === flags.limit) {
              terminal.note('There are more; use --limit or --json');
              break;
            }
            rows.push(toCells(entry, await customers(entry)));
          }
          const header = ['SEQ', 'TIME', 'CUSTOMER', 'ACTOR', 'WHAT', 'REASON'];
          for (const line of formatTable(header, rows)) terminal.print(line);
          return 0;
        }),
      ),
    );
}

function entryToJson(entry: AuditEntry, customerId: string | undefined) {
  return {
    seq: entry.seq,
    at: new Date(entry.atMs).toISOString(),
    actor: entry.actor,
    action: entry.action,
    customer_id: customerId ?? null,
    connection_id: entry.connectionId ?? null,
    from_stage: entry.fromStage ?? null,
    to_stage: entry.toStage ?? null,
    reason: entry.reason ?? null,
    previous_hash: entry.previousHash ?? null,
    hash: entry.hash ?? null,
  };
}

function toCells(entry: AuditEntry, customerId: string | undefined): string[] {
  const { fromStage, toStage } = entry;
  const moved = [fromStage, toStage].filter((stage) => stage !== undefined).join(' → ');
  return [
    String(entry.seq),
    new Date(entry.atMs).toISOString(),
    customerId ?? entry.connectionId ?? '–',
    entry.actor,
    moved === '' ? entry.action : moved,
    entry.reason ?? '',
  ];
}
