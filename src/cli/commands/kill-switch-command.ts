import { Argument, type Command } from 'commander';
import { settledMs } from '../../calls/recent-reads.ts';
import { fallBackSwitchName, routeSwitchName } from '../../calls/route-policies.ts';
import type { SwitchState } from '../../store/switch-store.ts';
import type { Workbench } from '../../core/workbench.ts';
import type { CommandContext } from '../command-context.ts';
import { withWorkbench } from '../run-with.ts';

interface Flags {
  readonly reason?: string;
  readonly json?: boolean;
}

/** `keyshift kill-switch`: one route for every connection, on every process within a second. */
export function addKillSwitchCommand(program: Command, { terminal, run }: CommandContext): void {
  program
    .command('kill-switch')
    .description('send the calls of every connection by one route, or show the switch')
    .addArgument(
      new Argument(
        '[route]',
        'key or oauth for all; off gives every connection its own route back',
      ).choices(['key', 'oauth', 'off']),
    )
    .option('--reason <text>', 'why, for the audit log')
    .option('--json', 'print one JSON object')
    .action(
      run((route: 'key' | 'oauth' | 'off' | undefined, { reason, json }: Flags) =>
        withWorkbench(async (workbench) => {
          const { switches } = workbench.store;
          if (route !== undefined) {
            await turn(workbench, routeSwitchName, route === 'off' ? undefined : route, reason);
          }
          const state = await switches.describe(routeSwitchName);
          terminal.print(json === true ? toJson('route', state) : describe(state));
          return 0;
        }),
      ),
    );
}

/** `keyshift fall-back`: whether calls that OAuth refuses may go out by key. */
export function addFallBackCommand(program: Command, { terminal, run }: CommandContext): void {
  program
    .command('fall-back')
    .description('let calls that Klaviyo refuses by OAuth go out by key, or not; or show it')
    .addArgument(new Argument('[state]', 'on (the normal state) or off').choices(['on', 'off']))
    .option('--reason <text>', 'why, for the audit log')
    .option('--json', 'print one JSON object')
    .action(
      run((state: 'on' | 'off' | undefined, { reason, json }: Flags) =>
        withWorkbench(async (workbench) => {
          const value = state === 'off' ? 'off' : undefined;
          if (state !== undefined) await turn(workbench, fallBackSwitchName, value, reason);
          const known = await workbench.store.switches.describe(fallBackSwitchName);
          const text = known
            ? `Calls never fall back to the key, ${since(known)}.`
            : 'Calls that Klaviyo refuses by OAuth fall back to the key, events excepted.';
          terminal.print(json === true ? toJson('fall_back', known) : text);
          return 0;
        }),
      ),
    );
}

async function turn(
  { store, clock }: Workbench,
  name: string,
  value: string | undefined,
  reason: string | undefined,
): Promise<void> {
  const atMs = clock.now();
  await store.transaction(async (tx) => {
    await tx.switches.set(name, value, atMs, 'cli');
    await tx.audit.append({
      ...{ atMs, actor: 'cli', action: `switch.${name}`, connectionId: undefined },
      ...{ fromStage: undefined, toStage: undefined },
      reason: `${value ?? 'normal'}${reason === undefined ? '' : `: ${reason}`}`,
    });
  });
  // When the command returns, no process sends by what was before.
  await clock.sleep(settledMs);
}

function describe(state: SwitchState | undefined): string {
  if (!state) return 'The switch is off: every connection has its own route.';
  const name = state.value === 'key' ? 'private keys' : 'OAuth';
  return (
    `Every connection's calls go by ${name}, ${since(state)}.\n` +
    'A connection without that credential keeps the one it has. ' +
    '`keyshift kill-switch off` gives every connection its own route back.'
  );
}

function since({ changedAtMs, actor }: SwitchState): string {
  return `since ${new Date(changedAtMs).toISOString()} (by ${actor})`;
}

function toJson(name: string, state: SwitchState | undefined): string {
  return JSON.stringify({
    switch: name,
    value: state?.value ?? null,
    changed_at: state ? new Date(state.changedAtMs).toISOString() : null,
    actor: state?.actor ?? null,
  });
}
