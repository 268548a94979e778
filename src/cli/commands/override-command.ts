import type { Command } from 'commander';
import { acceptAccount } from '../../migration/operate/single-connection.ts';
import { runAction } from '../batch.ts';
import type { CommandContext } from '../command-context.ts';
import { addChangeOptions, type ChangeFlags } from '../options.ts';
import { withKeyshift } from '../run-with.ts';

interface OverrideFlags extends ChangeFlags {
  readonly customer: string;
  readonly account: string;
  readonly reason: string;
}

/** `keyshift override`: a customer really has another account than its key. */
export function addOverrideCommand(program: Command, { terminal, run }: CommandContext): void {
  addChangeOptions(program.command('override'))
    .description("accept that a customer consented with an account other than the key's")
    .requiredOption('--customer <id>', 'whose connection it is')
    .requiredOption('--account <id>', 'the account that the customer chose in Klaviyo')
    .requiredOption('--reason <text>', 'why; the audit log keeps it')
    .option('--json', 'print one JSON object')
    .action(
      run((flags: OverrideFlags) =>
        withKeyshift((keyshift) => {
          const { customer, account: accountId, reason } = flags;
          return runAction(terminal, flags, {
            action: acceptAccount(keyshift, customer, { accountId, reason }),
            namesCustomer: true,
            caution: 'many',
            finish({ formerAccountId: former, verification: { verdict, connection: after } }) {
              if (flags.json === true) {
                const accounts = { account_id: accountId, former_account_id: former ?? null };
                const { stage, attentionReason = null } = after;
                terminal.print(
                  JSON.stringify({
                    ...{ customer_id: customer, ...accounts, verdict },
                    ...{ stage, reason: attentionReason },
                  }),
                );
              } else {
                const accounts = `account ${former ?? 'unknown'} → ${accountId}`;
                terminal.print(`${customer}: ${accounts}, ${verdict}`);
              }
              return verdict === 'verified' ? 0 : 2;
            },
          });
        }),
      ),
    );
}
