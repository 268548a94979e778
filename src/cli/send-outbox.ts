import type { Workbench } from '../core/workbench.ts';
import type { OutboxRun } from '../migration/outreach/outbox-runner.ts';
import { loadReminderPolicy } from '../migration/operate/remind.ts';
import { defaultReminderPolicy, type ReminderPolicy } from '../model/reminder-policy.ts';
import { scrub } from '../runtime/scrub.ts';
import type { Terminal } from './terminal.ts';

/** Sends what is due, with a progress bar; says what became of it unless `quiet`. */
export async function sendOutbox(
  { store, outreach, clock }: Workbench,
  terminal: Terminal,
  options: {
    readonly signal: AbortSignal;
    readonly policy?: ReminderPolicy;
    readonly quiet?: boolean;
  },
): Promise<OutboxRun> {
  const nowMs = clock.now();
  let waiting = 0;
  for (const { state, count } of await store.outbox.countByState()) {
    if (state === 'waiting') waiting += count;
  }
  const policy = options.policy ?? (await loadReminderPolicy(store)) ?? defaultReminderPolicy;
  const bar = terminal.progress('sending', waiting);
  const run = await outreach.outbox
    .run({
      signal: options.signal,
      quietHours: policy.quietHours,
      onDone: (done) => {
        bar.update(done);
      },
    })
    .finally(() => {
      bar.stop();
    });
  if (options.quiet !== true) printRun(terminal, run, clock.now() - nowMs);
  return run;
}

function printRun(terminal: Terminal, run: OutboxRun, tookMs: number): void {
  for (const [channel, why] of Object.entries(run.unavailable)) {
    terminal.note(scrub(`${channel} could not be used: ${why}. Its messages are still waiting.`));
  }
  const { sent, failed, uncertain, waiting, cancelled } = run;
  terminal.print(
    `${sent} sent, ${waiting} deferred, ${failed} failed, ${uncertain} uncertain, ` +
      `${cancelled} cancelled, in ${(tookMs / 1000).toFixed(1)} s`,
  );
}

/** Whether a person has to look at what a run came to. */
export function needsLook({ failed, uncertain, unavailable }: OutboxRun): boolean {
  return failed + uncertain > 0 || Object.keys(unavailable).length > 0;
}

/** A run as the commands' JSON shows it. */
export function toRunJson({ unavailable, ...counts }: OutboxRun) {
  return {
    ...counts,
    unavailable: Object.fromEntries(
      Object.entries(unavailable).map(([channel, why]) => [channel, scrub(why)]),
    ),
  };
}
