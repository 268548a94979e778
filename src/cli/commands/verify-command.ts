import type { Command } from 'commander';
import { verifyStep } from '../../migration/operate/consent-steps.ts';
import type { Verification } from '../../migration/consent/verify.ts';
import { nameOfCheck } from '../../model/verification.ts';
import { runBatch, type BatchFlags, type BatchResult } from '../batch.ts';
import type { CommandContext } from '../command-context.ts';
import { addChangeOptions, addSelectionOptions } from '../options.ts';
import { formatTable } from '../terminal.ts';

/** `keyshift verify`: asks Klaviyo whether consents hold what is needed. */
export function addVerifyCommand(program: Command, { terminal, run }: CommandContext): void {
  addChangeOptions(addSelectionOptions(program.command('verify')))
    .description('check consents in Klaviyo: scopes, account, one read for each read scope')
    .option('--json', 'print one JSON object with every check')
    .action(
      run((flags: BatchFlags) =>
        runBatch(terminal, flags, {
          caution: 'none',
          useCase: ({ verify }) => verifyStep(verify, { anyStage: flags.customer !== undefined }),
          finish(result) {
            const found = result.done
              .map((each) => each.result)
              .toSorted((a, b) => (a.connection.customerId < b.connection.customerId ? -1 : 1));
            return {
              json: { skipped: result.skipped, results: found.map(toJson) },
              text: toLines(flags, found, result).join('\n'),
              exitCode: found.some(({ verdict }) => verdict !== 'verified') ? 2 : 0,
            };
          },
        }),
      ),
    );
}

function toLines(
  flags: BatchFlags,
  found: readonly Verification[],
  result: BatchResult<Verification>,
): string[] {
  // Of thousands that are well, only the others are worth a line.
  const named = flags.customer !== undefined;
  const shown = named ? found : found.filter(({ verdict }) => verdict !== 'verified');
  const count = (verdict: Verification['verdict']) =>
    found.filter((each) => each.verdict === verdict).length;
  return [
    ...shown.flatMap(({ connection, verdict, checks }) => {
      const rows = checks
        .filter((check) => named || check.verdict === 'failed' || check.verdict === 'unclear')
        .map((check) => [`  ${check.verdict}`, nameOfCheck(check), check.detail]);
      return [`${connection.customerId}: ${verdict}`, ...formatTable(['', '', ''], rows).slice(1)];
    }),
    `${count('verified')} verified, ${count('failed')} failed a check, ` +
      `${count('unclear')} without an answer, ${result.failures.length} could not be checked, ` +
      `${result.skipped} at other stages`,
  ];
}

function toJson({ connection, verdict, checks }: Verification) {
  return {
    customer_id: connection.customerId,
    account_id: connection.accountId ?? null,
    verdict,
    stage: connection.stage,
    reason: connection.attentionReason ?? null,
    checks: checks.map((check) => ({
      name: nameOfCheck(check),
      verdict: check.verdict,
      reason: check.reason ?? null,
      detail: check.detail,
      checked_at: new Date(check.atMs).toISOString(),
    })),
  };
}
