import type { Command } from 'commander';
import { consentedStages } from '../../migration/invitations.ts';
import type { Verification } from '../../migration/verify.ts';
import type { Connection } from '../../store/records.ts';
import type { CommandContext } from '../command-context.ts';
import { countSelected } from '../count-selected.ts';
import { eachConnection, type BatchResult } from '../each-connection.ts';
import { reportFailures } from '../report-failures.ts';
import { stepConcurrency, toFailuresJson, type StepFlags } from '../run-step.ts';
import { withKeyshift } from '../run-with.ts';
import { addSelectionOptions } from '../selection-options.ts';
import { formatTable, type Terminal } from '../terminal.ts';

/** `keyshift verify`: asks Klaviyo whether consents hold what is needed. */
export function addVerifyCommand(program: Command, { terminal, run }: CommandContext): void {
  addSelectionOptions(program.command('verify'))
    .description('check consents at Klaviyo: scopes, account, one read for each read scope')
    .option('--json', 'print one JSON object with every check')
    .action(
      run((flags: StepFlags) =>
        withKeyshift(async (keyshift, { signal }) => {
          const found: Verification[] = [];
          const bar = terminal.progress('verifying', await countSelected(keyshift.store, flags));
          const result = await eachConnection(
            keyshift.store,
            flags,
            hasConsented,
            async (connection) => {
              found.push(await keyshift.verify(connection, { actor: 'cli', signal }));
            },
            signal,
            { concurrency: stepConcurrency, onProgress: bar.update },
          ).finally(bar.stop);
          found.sort((a, b) => (a.connection.customerId < b.connection.customerId ? -1 : 1));
          if (flags.json === true) terminal.print(JSON.stringify(toJson(found, result)));
          else printText(terminal, flags, found, result);
          if (result.failures.length > 0) return 1;
          return found.some(({ verdict }) => verdict !== 'verified') ? 2 : 0;
        }),
      ),
    );
}

/** Whoever waits for checks, or may need them again. */
function hasConsented({ stage, attentionReason }: Connection): boolean {
  return (
    consentedStages.has(stage) ||
    attentionReason === 'scope_missing' ||
    attentionReason === 'oauth_errors'
  );
}

function printText(
  terminal: Terminal,
  flags: StepFlags,
  found: readonly Verification[],
  result: BatchResult,
): void {
  for (const { connection, verdict, checks } of found) {
    // With --all, thousands of rows that are well would hide those that are not.
    const shown =
      flags.all === true ? checks.filter(({ verdict: each }) => isFinding(each)) : checks;
    if (flags.all === true && verdict === 'verified') continue;
    terminal.print(`${connection.customerId}: ${verdict}`);
    const rows = shown.map((check) => [`  ${check.verdict}`, check.name, check.detail]);
    for (const line of formatTable(['', '', ''], rows).slice(1)) terminal.print(line);
  }
  reportFailures(terminal, result);
  const count = (verdict: Verification['verdict']) =>
    found.filter((each) => each.verdict === verdict).length;
  terminal.print(
    `${count('verified')} verified, ${count('failed')} failed a check, ` +
      `${count('unclear')} without an answer, ${result.failures.length} could not be checked, ` +
      `${result.skipped} at other stages`,
  );
}

function isFinding(verdict: string): boolean {
  return verdict === 'failed' || verdict === 'unclear';
}

function toJson(found: readonly Verification[], result: BatchResult) {
  return {
    skipped: result.skipped,
    failures: toFailuresJson(result),
    results: found.map(({ connection, verdict, checks }) => ({
      customer_id: connection.customerId,
      account_id: connection.accountId ?? null,
      verdict,
      stage: connection.stage,
      reason: connection.attentionReason ?? null,
      checks: checks.map(({ name, verdict: result, reason, detail, atMs }) => ({
        ...{ name, verdict: result, reason: reason ?? null, detail },
        checked_at: new Date(atMs).toISOString(),
      })),
    })),
  };
}
