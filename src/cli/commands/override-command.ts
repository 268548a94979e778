import type { Command } from 'commander';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import type { CommandContext } from '../command-context.ts';
import { withKeyshift } from '../run-with.ts';

interface OverrideFlags {
  readonly customer: string;
  readonly account: string;
  readonly reason: string;
  readonly json?: boolean;
}

/** `keyshift override`: a customer really has another account than its key. */
export function addOverrideCommand(program: Command, { terminal, run }: CommandContext): void {
  program
    .command('override')
    .description("accept that a customer consented with an account other than the key's")
    .requiredOption('--customer <id>', 'whose connection it is')
    .requiredOption('--account <id>', 'the account that the customer chose in Klaviyo')
    .requiredOption('--reason <text>', 'why; the audit log keeps it')
    .option('--json', 'print one JSON object')
    .action(
      run((flags: OverrideFlags) =>
        withKeyshift(async ({ store, overrideAccount }) => {
          const { customer, account: accountId } = flags;
          const reason = flags.reason.trim();
          if (reason === '') {
            throw new KeyshiftError('request_invalid', 'The reason is empty.', {
              fix: 'Use --reason to say why this account is the right one.',
            });
          }
          const connection = await store.connections.findByCustomer(customer);
          if (!connection) {
            throw new KeyshiftError(
              'connection_not_found',
              `Customer ${JSON.stringify(customer)} has no connection.`,
            );
          }
          const former = connection.accountId ?? null;
          const result = await overrideAccount(connection, { accountId, reason, actor: 'cli' });
          const { verdict, connection: after } = result;
          if (flags.json === true) {
            terminal.print(
              JSON.stringify({
                ...{ customer_id: customer, account_id: accountId, former_account_id: former },
                ...{ verdict, stage: after.stage, reason: after.attentionReason ?? null },
              }),
            );
          } else {
            terminal.print(
              `${customer}: account ${former ?? 'unknown'} → ${accountId}, ${verdict}`,
            );
          }
          return verdict === 'verified' ? 0 : 2;
        }),
      ),
    );
}
