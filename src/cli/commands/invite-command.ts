import { InvalidArgumentError, type Command } from 'commander';
import { whyNotInvited, type IssuedInvitation } from '../../migration/invitations.ts';
import { eachConnection } from '../each-connection.ts';
import { reportFailures } from '../report-failures.ts';
import { withWorkbench } from '../run-with.ts';
import { addCustomerOption } from '../selection-options.ts';
import type { CommandContext } from '../command-context.ts';
import type { Terminal } from '../terminal.ts';

interface InviteFlags {
  readonly customer?: readonly string[];
  readonly days: number;
  readonly json?: boolean;
}

/** `keyshift invite`: makes the durable links that customers are sent. */
export function addInviteCommand(program: Command, { terminal, run }: CommandContext): void {
  addCustomerOption(program.command('invite'))
    .description('create (or show again) the links by which customers consent')
    .option('--days <n>', 'days a new link stays valid', parseDays, 30)
    .option('--json', 'print one JSON object a line for each invitation')
    .action(
      run((flags: InviteFlags) =>
        withWorkbench(async ({ store, invitations, config }, { signal }) => {
          const validForMs = flags.days * 86_400_000;
          const print = flags.json === true ? printJson : printText;
          const selection = flags.customer ? { customer: flags.customer } : { all: true };
          const result = await eachConnection(
            store,
            selection,
            (connection) => whyNotInvited(connection) === undefined,
            async (connection) => {
              const issued = await invitations.issue(connection, validForMs, 'cli');
              print(terminal, issued, `${config.publicUrl}/connect/${issued.token.reveal()}`);
            },
            signal,
          );
          reportFailures(terminal, result);
          if (flags.json !== true) {
            terminal.note(`${result.done} invited, ${result.skipped} not to be invited now`);
          }
          return result.failures.length > 0 ? 1 : 0;
        }),
      ),
    );
}

function parseDays(value: string): number {
  const days = Number(value);
  if (Number.isFinite(days) && days > 0 && days <= 365) return days;
  throw new InvalidArgumentError('It must be a number above 0, up to 365.');
}

function printJson(terminal: Terminal, issued: IssuedInvitation, link: string): void {
  const { connection, invitation } = issued;
  terminal.print(
    JSON.stringify({
      customer_id: connection.customerId,
      account_id: connection.accountId ?? null,
      link,
      expires_at: new Date(invitation.expiresAtMs).toISOString(),
    }),
  );
}

function printText(terminal: Terminal, { connection }: IssuedInvitation, link: string): void {
  terminal.print(`${connection.customerId}  ${link}`);
}
