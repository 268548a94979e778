import { Argument, type Command } from 'commander';
import type { Workbench } from '../../core/workbench.ts';
import {
  allowFallBack,
  readFallBack,
  readKillSwitch,
  turnKillSwitch,
} from '../../migration/operate/switches.ts';
import type { SwitchState } from '../../store/switches.ts';
import { runAction } from '../batch.ts';
import type { CommandContext } from '../command-context.ts';
import { addChangeOptions, type ChangeFlags } from '../options.ts';
import { withWorkbench } from '../run-with.ts';

interface Flags extends ChangeFlags {
  readonly reason?: string;
}

/** `keyshift kill-switch`: one route for every connection, on every process within a second. */
export function addKillSwitchCommand(program: Command, { terminal, run }: CommandContext): void {
  addChangeOptions(program.command('kill-switch'))
    .description('send the calls of every connection with one credential, or show the switch')
    .addArgument(
      new Argument(
        '[route]',
        'key or oauth for all; off gives every connection its own route back',
      ).choices(['key', 'oauth', 'off']),
    )
    .option('--reason <text>', 'why, for the audit log')
    .option('--json', 'print one JSON object')
    .action(
      run((route: 'key' | 'oauth' | 'off' | undefined, flags: Flags) =>
        withWorkbench(async (workbench) => {
          const finish = (state: SwitchState | undefined) => {
            terminal.print(flags.json === true ? toJson('route', state) : describe(state));
            return 0;
          };
          if (route === undefined) return finish(await readKillSwitch(workbench.store));
          const to = route === 'off' ? undefined : route;
          return runAction(terminal, flags, {
            action: turnKillSwitch(depsOf(workbench), to, flags.reason),
            caution: { final: 'The kill switch decides the route of every connection.' },
            finish,
          });
        }),
      ),
    );
}

/** `keyshift fall-back`: whether calls that Klaviyo rejects over OAuth are sent again with the key. */
export function addFallBackCommand(program: Command, { terminal, run }: CommandContext): void {
  addChangeOptions(program.command('fall-back'))
    .description('retry calls rejected over OAuth with the private key, or not; or show it')
    .addArgument(new Argument('[state]', 'on (the normal state) or off').choices(['on', 'off']))
    .option('--reason <text>', 'why, for the audit log')
    .option('--json', 'print one JSON object')
    .action(
      run((wanted: 'on' | 'off' | undefined, flags: Flags) =>
        withWorkbench(async (workbench) => {
          const finish = (state: SwitchState | undefined) => {
            const text = state
              ? `Calls never fall back to the key, ${since(state)}.`
              : 'Calls that Klaviyo rejects over OAuth fall back to the key, except for events.';
            terminal.print(flags.json === true ? toJson('fall_back', state) : text);
            return 0;
          };
          if (wanted === undefined) return finish(await readFallBack(workbench.store));
          return runAction(terminal, flags, {
            action: allowFallBack(depsOf(workbench), wanted === 'on', flags.reason),
            caution: 'many',
            finish,
          });
        }),
      ),
    );
}

function depsOf({ store, clock, config }: Workbench) {
  return { store, clock, clientId: config.client?.clientId };
}

function describe(state: SwitchState | undefined): string {
  if (!state) return 'The switch is off: every connection has its own route.';
  const how = state.value === 'key' ? 'with their private keys' : 'over OAuth';
  return (
    `The calls of all connections go ${how}, ${since(state)}.\n` +
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
