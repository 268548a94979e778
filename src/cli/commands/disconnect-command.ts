import type { Command } from 'commander';
import { requireClient } from '../../core/read-config.ts';
import { disconnectStep } from '../../migration/operate/consent-steps.ts';
import { runBatch, summarize, type BatchFlags } from '../batch.ts';
import type { CommandContext } from '../command-context.ts';
import { addChangeOptions, addSelectionOptions } from '../options.ts';

/** `keyshift disconnect`: ends the use of OAuth, and goes back to the key where there is one. */
export function addDisconnectCommand(program: Command, { terminal, run }: CommandContext): void {
  addChangeOptions(addSelectionOptions(program.command('disconnect')))
    .description('revoke consents in Klaviyo and go back to the private keys; final')
    .option('--json', 'print one JSON object')
    .action(
      run((flags: BatchFlags) =>
        runBatch(terminal, flags, {
          caution: { final: 'A customer who is disconnected has to consent again.' },
          useCase: ({ store, disconnect, config }) =>
            disconnectStep({ store, disconnect, clientId: requireClient(config).clientId }),
          finish(result) {
            const done = result.done.length;
            const revoked = result.done.filter((each) => each.result).length;
            return {
              json: { done, revoked, skipped: result.skipped },
              text: summarize(`${done} disconnected, ${revoked} revoked in Klaviyo`, result),
            };
          },
        }),
      ),
    );
}
