import type { Command } from 'commander';
import type { Verification } from '../../migration/verify.ts';
import { mayBeVerified } from '../../model/connection.ts';
import type { CommandContext } from '../command-context.ts';
import type { BatchResult } from '../each-connection.ts';
import { runBatch, type StepFlags } from '../run-step.ts';
import { addSelectionOptions } from '../options.ts';
import { formatTable } from '../terminal.ts';

/** `keyshift verify`: asks Klaviyo whether consents hold what is needed. */
export function addVerifyCommand(program: Command, { terminal, run }: CommandContext): void {
  addSelectionOptions(program.command('verify'))
    .description('check consents at Klaviyo: scopes, account, one read for each read scope')
    .option('--json', 'print one JSON object with every check')
    .action(
      run((flags: StepFlags) => {
        const found: Verification[] = [];
        return runBatch(terminal, flags, {
          isCandidate: mayBeVerified,
          async step({ verify }, connection, signal) {
            found.push(await verify(connection, { actor: 'cli', signal }));
          },
          finish(result) {
            found.sort((a, b) => (a.connection.customerId < b.connection.customerId ? -1 : 1));
            return {
              json: { skipped: result.skipped, results: found.map(toJson) },
              notes: [],
              text: toLines(flags, found, result).join('\n'),
              exitCode: found.some(({ verdict }) => verdict !== 'verified') ? 2 : 0,
            };
          },
        });
      }),
    );
}

function toLines(flags: StepFlags, found: readonly Verification[], result: BatchResult): string[] {
  // Of thousands that are well, only the others are worth a line.
  const named = flags.customer !== undefined;
  const shown = named ? found : found.filter(({ verdict }) => verdict !== 'verified');
  const count = (verdict: Verification['verdict']) =>
    found.filter((each) => each.verdict === verdict).length;
  return [
    ...shown.flatMap(({ connection, verdict, checks }) => {
      const rows = checks
        .filter((check) => named || check.verdict === 'failed' || check.verdict === 'unclear')
        .map((check) => [`  ${check.verdict}`, check.name, check.detail]);
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
    checks: checks.map(({ name, verdict: result, reason, detail, atMs }) => ({
      ...{ name, verdict: result, reason: reason ?? null, detail },
      checked_at: new Date(atMs).toISOString(),
    })),
  };
}
