import type { Command } from 'commander';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import { writeKeyInstructions } from '../../migration/key-instructions.ts';
import { redactKey } from '../../migration/key-proof.ts';
import type { ProofDemand, RetirementReview } from '../../migration/retire.ts';
import type { RetirePolicy } from '../../migration/retirement-checks.ts';
import { mayRetire } from '../../model/stages.ts';
import { runBatch, type BatchOutput, type StepFlags } from '../run-step.ts';
import { addSelectionOptions, decimal, parseDays } from '../options.ts';
import type { CommandContext } from '../command-context.ts';
import type { Terminal } from '../terminal.ts';

interface RetireFlags extends StepFlags {
  readonly quietDays: number;
  readonly minSuccess: number;
  readonly check?: boolean;
  readonly instructions?: boolean;
  readonly disableKey?: boolean;
  readonly withoutProof?: string;
}

/** `keyshift retire`: private keys that nobody uses any more are destroyed. */
export function addRetireCommand(program: Command, { terminal, run }: CommandContext): void {
  addSelectionOptions(program.command('retire'))
    .description('destroy the stored private keys of connections that are quiet; final')
    .option('--quiet-days <n>', 'days without key traffic that must have passed', parseDays, 7)
    .option('--min-success <n>', 'percent of calls by OAuth that must succeed', decimal(0, 100), 99)
    .option('--check', 'print what is missing for each connection, and change nothing')
    .option('--instructions', 'print what to write to each customer, and change nothing')
    .option(
      '--disable-key',
      'disable the keys at Klaviyo; needs credentials:read, credentials:write',
    )
    .option('--without-proof <reason>', 'destroy also while the key lives at Klaviyo; say why')
    .option('--json', 'print one JSON object')
    .action(
      run((flags: RetireFlags) => {
        refuseContradictions(flags);
        if (flags.check === true) return review(terminal, flags);
        if (flags.instructions === true) return instruct(terminal, flags);
        return retire(terminal, flags);
      }),
    );
}

function refuseContradictions(flags: RetireFlags): void {
  const chosen = [flags.check, flags.instructions, flags.disableKey, flags.withoutProof];
  if (chosen.filter((each) => each !== undefined).length > 1) {
    throw new KeyshiftError('request_invalid', 'The options contradict each other.', {
      fix: 'Use one of --check, --instructions, --disable-key and --without-proof.',
    });
  }
  if (flags.withoutProof?.trim() === '') {
    throw new KeyshiftError('request_invalid', 'The reason is empty.', {
      fix: 'Say after --without-proof why the key may go; the audit log keeps it.',
    });
  }
}

function retire(terminal: Terminal, flags: RetireFlags): Promise<number> {
  const waiting: { readonly customer_id: string; readonly detail: string }[] = [];
  let retired = 0;
  return runBatch(terminal, flags, {
    isCandidate: mayRetire,
    async step({ retire: service }, connection, signal) {
      const request = { policy: policyOf(flags), demand: demandOf(flags), actor: 'cli', signal };
      const { outcome, detail } = await service.retire(connection, request);
      if (outcome === 'retired') retired += 1;
      else waiting.push({ customer_id: connection.customerId, detail });
    },
    finish({ skipped, failures }): BatchOutput {
      const note = waiting.length === 0 ? '' : `, ${waiting.length} waiting for the key to go`;
      return {
        json: { done: retired, skipped, waiting },
        notes: waiting.map(
          ({ customer_id: id, detail }) =>
            `${id}: quiet; ${detail}. See \`keyshift retire --instructions --customer ${id}\``,
        ),
        text: `${retired} retired, ${failures.length} failed, ${skipped} at other stages${note}`,
        exitCode: waiting.length > 0 ? 2 : 0,
      };
    },
  });
}

function review(terminal: Terminal, flags: RetireFlags): Promise<number> {
  const reviews: RetirementReview[] = [];
  return runBatch(terminal, flags, {
    isCandidate: mayRetire,
    async step({ retire: service }, connection, signal) {
      reviews.push(await service.review(connection, policyOf(flags), signal));
    },
    finish({ skipped }): BatchOutput {
      reviews.sort((a, b) => (a.connection.customerId < b.connection.customerId ? -1 : 1));
      const ready = reviews.filter((each) => each.ready).length;
      return {
        json: { ready, skipped, reviews: reviews.map(toReviewJson) },
        notes: [],
        text: [
          ...reviews.flatMap(toReviewLines),
          `${ready} ready, ${reviews.length - ready} not ready, ${skipped} at other stages`,
        ].join('\n'),
        exitCode: ready < reviews.length ? 2 : 0,
      };
    },
  });
}

function toReviewLines({ connection, checks, ready }: RetirementReview): string[] {
  return [
    `${connection.customerId}: ${ready ? 'ready' : 'not ready'}`,
    ...checks.map(({ name, done, detail }) => `  [${done ? 'x' : ' '}] ${name}: ${detail}`),
  ];
}

function toReviewJson({ connection, checks, ready }: RetirementReview) {
  return { customer_id: connection.customerId, stage: connection.stage, ready, checks };
}

function instruct(terminal: Terminal, flags: RetireFlags): Promise<number> {
  const letters: ReturnType<typeof writeKeyInstructions>[] = [];
  return runBatch(terminal, flags, {
    isCandidate: mayRetire,
    async step({ store }, connection) {
      const key = await store.privateKeys.open(connection.id);
      if (!key) {
        throw new KeyshiftError(
          'key_not_found',
          `Customer ${connection.customerId} has no stored private key.`,
          { fix: 'There is nothing to tell this customer.' },
        );
      }
      letters.push(writeKeyInstructions(connection, redactKey(key)));
    },
    finish({ skipped }): BatchOutput {
      return {
        json: {
          skipped,
          instructions: letters.map(({ customerId, email, subject, text, link }) => ({
            ...{ customer_id: customerId, email: email ?? null, subject, text, link },
          })),
        },
        notes: [],
        text: letters
          .map(({ customerId, email, subject, text }) =>
            [`To: ${email ?? customerId}`, `Subject: ${subject}`, '', text, ''].join('\n'),
          )
          .join('\n'),
        exitCode: 0,
      };
    },
  });
}

function policyOf({ quietDays, minSuccess }: RetireFlags): RetirePolicy {
  return { quietMs: quietDays * 86_400_000, minSuccessPercent: minSuccess };
}

function demandOf({ disableKey, withoutProof }: RetireFlags): ProofDemand {
  if (withoutProof !== undefined) return { kind: 'none', reason: withoutProof.trim() };
  return disableKey === true ? { kind: 'disable' } : { kind: 'probe' };
}
