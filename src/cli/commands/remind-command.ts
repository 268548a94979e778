import { InvalidArgumentError, type Command } from 'commander';
import { requireChannel } from '../../core/read-outreach.ts';
import {
  awaitingAnswer,
  loadReminderPolicy,
  queueReminders,
  remindCustomers,
  saveReminderPolicy,
} from '../../migration/operate/remind.ts';
import { planFor } from '../../migration/operate/plan.ts';
import {
  defaultReminderPolicy,
  isTimeZone,
  type ReminderPolicy,
} from '../../model/reminder-policy.ts';
import type { Labels } from '../../model/labels.ts';
import { actor, mayGoOn, printPlan } from '../batch.ts';
import type { CommandContext } from '../command-context.ts';
import { withWorkbench } from '../run-with.ts';
import {
  addChangeOptions,
  addCohortOption,
  decimal,
  parseWave,
  whole,
  type ChangeFlags,
} from '../options.ts';
import { needsLook, sendOutbox, toRunJson } from '../send-outbox.ts';

interface RemindFlags extends ChangeFlags {
  readonly afterDays?: number;
  readonly cap?: number;
  readonly quietHours?: { readonly fromMin: number; readonly toMin: number } | 'none';
  readonly timeZone?: string;
  readonly cohort?: Labels;
  readonly wave?: string;
  readonly save?: boolean;
  readonly off?: boolean;
  readonly send: boolean;
}

/** `keyshift remind`: reminds customers who were told and have not answered. */
export function addRemindCommand(program: Command, { terminal, run }: CommandContext): void {
  addChangeOptions(addCohortOption(program.command('remind')))
    .description('remind customers who were invited and have not responded')
    .option('--after-days <n>', 'days after the last message; 7', decimal(0, 365))
    .option('--cap <n>', 'maximum reminders for one invitation; 2', whole(0, 20))
    .option('--quiet-hours <from-to>', 'send no reminder in these hours; 20-8, or none', parseHours)
    .option(
      '--time-zone <name>',
      'time zone of customers without a label time_zone; UTC',
      parseZone,
    )
    .option('--wave <name>', 'only customers of this wave', parseWave)
    .option('--save', 'let the server remind by these rules from now on')
    .option('--off', 'stop the server from reminding anyone')
    .option('--no-send', 'queue only; the server or `keyshift outbox` sends')
    .option('--json', 'print one JSON object')
    .action(
      run((flags: RemindFlags) =>
        withWorkbench(async (workbench, { signal }) => {
          const { store, clock } = workbench;
          if (flags.off === true) {
            const dry = flags.dryRun === true;
            if (!dry) await saveReminderPolicy(store, undefined, clock.now(), actor);
            terminal.print(
              `The server ${dry ? 'would no longer remind' : 'no longer reminds'} anyone.`,
            );
            return 0;
          }
          const policy = toPolicy(
            flags,
            (await loadReminderPolicy(store)) ?? defaultReminderPolicy,
          );
          const among = {
            ...(flags.cohort !== undefined && { cohort: flags.cohort }),
            ...(flags.wave !== undefined && { wave: flags.wave }),
          };
          const selection = awaitingAnswer(among);
          const plan = () => planFor(store, selection, remindCustomers(workbench, policy));
          if (flags.dryRun === true) return printPlan(terminal, plan(), flags);
          if (!(await mayGoOn(terminal, flags, 'many', plan))) return 1;
          if (flags.save === true) await saveReminderPolicy(store, policy, clock.now(), actor);
          const { limit_reached: capReached, ...counts } = await queueReminders(workbench, policy, {
            ...{ actor, signal, among },
            onQueued({ customerId }, dueAtMs) {
              if (flags.json === true) return;
              terminal.print(`${customerId}  ${new Date(dueAtMs).toISOString()}`);
            },
          });
          const sends = flags.send && counts.queued > 0;
          if (sends && !workbench.config.outreach.webhook) {
            requireChannel(workbench.config.outreach, 'mail');
          }
          const quiet = flags.json === true;
          if (!quiet) {
            terminal.print(
              `${counts.queued} reminders queued, ${counts.too_early} too early, ` +
                `${capReached} at the limit, ${counts.opted_out} unsubscribed, ` +
                `${counts.not_told + counts.no_link + counts.no_address} without a message to repeat`,
            );
          }
          const sent = sends
            ? await sendOutbox(workbench, terminal, { signal, policy, quiet })
            : undefined;
          if (quiet) {
            const json = {
              ...{ ...counts, cap_reached: capReached },
              saved: flags.save === true,
              run: sent ? toRunJson(sent) : null,
            };
            terminal.print(JSON.stringify(json));
          }
          return sent && needsLook(sent) ? 2 : 0;
        }),
      ),
    );
}

function toPolicy(flags: RemindFlags, base: ReminderPolicy): ReminderPolicy {
  const quiet = flags.quietHours ?? base.quietHours ?? 'none';
  const timeZone = flags.timeZone ?? base.quietHours?.timeZone ?? 'UTC';
  return {
    afterDays: flags.afterDays ?? base.afterDays,
    cap: flags.cap ?? base.cap,
    quietHours: quiet === 'none' ? undefined : { ...quiet, timeZone },
  };
}

function parseHours(text: string) {
  if (text === 'none') return text;
  const [, fromHour, fromMinute = '0', toHour, toMinute = '0'] =
    /^(\d{1,2})(?::(\d\d))?-(\d{1,2})(?::(\d\d))?$/.exec(text) ?? [];
  const fromMin = Number(fromHour) * 60 + Number(fromMinute);
  const toMin = Number(toHour) * 60 + Number(toMinute);
  // Written so that what is not a number fails too.
  if (fromMin < 1440 && toMin <= 1440 && fromMin !== toMin) return { fromMin, toMin };
  throw new InvalidArgumentError('Write it as 20-8 or 20:30-7:45, or write none.');
}

function parseZone(text: string): string {
  if (isTimeZone(text)) return text;
  throw new InvalidArgumentError('It must be a time zone, such as Europe/Berlin.');
}
