import { Option, type Command } from 'commander';
import type { Workbench } from '../../core/workbench.ts';
import {
  planSending,
  resendMessages,
  type ResendChoice,
} from '../../migration/operate/messages.ts';
import { outboxStates, type OutboxEntry, type OutboxState } from '../../model/message.ts';
import { printPlan, runAction } from '../batch.ts';
import type { CommandContext } from '../command-context.ts';
import { addChangeOptions, limitOption, type ChangeFlags } from '../options.ts';
import { withWorkbench } from '../run-with.ts';
import { needsLook, sendOutbox, toRunJson } from '../send-outbox.ts';
import { formatTable, type Terminal } from '../terminal.ts';

interface OutboxFlags extends ChangeFlags {
  readonly send: boolean;
  readonly resend?: string;
  readonly state?: OutboxState;
  readonly limit: number;
}

/** `keyshift outbox`: sends what is due, once, and shows what waits, failed or is uncertain. */
export function addOutboxCommand(program: Command, { terminal, run }: CommandContext): void {
  addChangeOptions(program.command('outbox'))
    .description('send the messages that are due, once, and show what needs attention')
    .option('--no-send', 'only show')
    .option('--resend <which>', 'send again: uncertain, failed, or the ID of a message')
    .addOption(new Option('--state <state>', 'which messages to show').choices(outboxStates))
    .addOption(limitOption(20))
    .option('--json', 'print one JSON object')
    .action(
      run((flags: OutboxFlags) =>
        withWorkbench(async (workbench, { signal }) => {
          const sendAndShow = async () => {
            const result = flags.send
              ? await sendOutbox(workbench, terminal, { signal, quiet: flags.json === true })
              : undefined;
            await show(workbench, terminal, flags, result && toRunJson(result));
            return result && needsLook(result) ? 2 : 0;
          };
          if (flags.resend === undefined) {
            // What is due was queued on purpose: sending it is no new decision.
            if (!flags.send || flags.dryRun !== true) return sendAndShow();
            return printPlan(terminal, planSending(workbench), flags);
          }
          return runAction(terminal, flags, {
            action: resendMessages(workbench, toChoice(flags.resend)),
            caution: 'many',
            finish(resent) {
              if (flags.json !== true) terminal.note(`${resent} will be sent again`);
              return sendAndShow();
            },
          });
        }),
      ),
    );
}

function toChoice(which: string): ResendChoice {
  return which === 'uncertain' || which === 'failed' ? which : { messageId: which };
}

async function show(
  { store }: Workbench,
  terminal: Terminal,
  flags: OutboxFlags,
  run: object | undefined,
): Promise<void> {
  const totals: Partial<Record<OutboxState, number>> = {};
  for (const { state, count } of await store.outbox.countByState()) {
    totals[state] = (totals[state] ?? 0) + count;
  }
  const states = flags.state ? [flags.state] : (['sending', 'failed', 'uncertain'] as const);
  const rows: (OutboxEntry & { readonly customerId: string })[] = [];
  for await (const entry of store.outbox.list({ states })) {
    if (rows.length >= flags.limit) break;
    const connection = await store.connections.findById(entry.connectionId);
    rows.push({ ...entry, customerId: connection?.customerId ?? '' });
  }
  if (flags.json === true) {
    terminal.print(JSON.stringify({ run: run ?? null, totals, messages: rows.map(toJson) }));
    return;
  }
  if (rows.length > 0) {
    const cells = rows.map((row) => [
      row.id,
      row.customerId,
      `${row.kind} ${row.channel}`,
      row.state,
      row.detail ?? '',
    ]);
    for (const line of formatTable(['MESSAGE', 'CUSTOMER', 'KIND', 'STATE', 'WHY'], cells)) {
      terminal.print(line);
    }
    terminal.print();
  }
  const parts = outboxStates.filter((state) => totals[state]).map((s) => `${totals[s]} ${s}`);
  terminal.print(`Outbox: ${parts.join(', ') || 'empty'}`);
  if (totals.uncertain) {
    terminal.note(
      'uncertain: the mail server may or may not have accepted these. Look for the ID in its log, then run: keyshift outbox --resend ID',
    );
  }
}

function toJson(entry: OutboxEntry & { readonly customerId: string }) {
  const iso = (atMs: number | undefined) =>
    atMs === undefined ? null : new Date(atMs).toISOString();
  return {
    id: entry.id,
    customer_id: entry.customerId,
    kind: entry.kind,
    channel: entry.channel,
    recipient: entry.recipient ?? null,
    state: entry.state,
    attempts: entry.attempts,
    due_at: iso(entry.dueAtMs),
    created_at: iso(entry.createdAtMs),
    ended_at: iso(entry.endedAtMs),
    detail: entry.detail ?? null,
  };
}
