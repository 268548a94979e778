import type { Command } from 'commander';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import { writeKeyInstructions } from '../../migration/cutover/key-instructions.ts';
import { redactKey } from '../../migration/cutover/key-proof.ts';
import { retireStep } from '../../migration/operate/consent-steps.ts';
import { otherStage, willChange, type Decision } from '../../migration/operate/plan.ts';
import type {
  ProofDemand,
  RetirePolicy,
  RetirementReview,
} from '../../migration/cutover/retire.ts';
import type { Connection } from '../../model/connection.ts';
import { mayRetire } from '../../model/stages.ts';
import { runBatch, summarize, type BatchFlags, type BatchOutput } from '../batch.ts';
import { addChangeOptions, addSelectionOptions, decimal, parseDays } from '../options.ts';
import type { CommandContext } from '../command-context.ts';
import type { Terminal } from '../terminal.ts';

interface RetireFlags extends BatchFlags {
  readonly quietDays: number;
  readonly minSuccess: number;
  readonly check?: boolean;
  readonly instructions?: boolean;
  readonly disableKey?: boolean;
  readonly withoutProof?: string;
}

/** `keyshift retire`: private keys that nobody uses any more are destroyed. */
export function addRetireCommand(program: Command, { terminal, run }: CommandContext): void {
  addChangeOptions(addSelectionOptions(program.command('retire')))
    .description('destroy the stored private keys of connections that are quiet; final')
    .option('--quiet-days <n>', 'days without key traffic that must have passed', parseDays, 7)
    .option(
      '--min-success <n>',
      'percent of calls over OAuth that must succeed',
      decimal(0, 100),
      99,
    )
    .option('--check', 'print what is missing for each connection, and change nothing')
    .option('--instructions', 'print what to write to each customer, and change nothing')
    .option(
      '--disable-key',
      'disable the keys in Klaviyo; needs credentials:read, credentials:write',
    )
    .option(
      '--without-proof <reason>',
      'destroy the key even if it still works in Klaviyo; say why',
    )
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
      fix: 'Use --without-proof to say why the key may be destroyed; the audit log keeps the reason.',
    });
  }
}

function retire(terminal: Terminal, flags: RetireFlags): Promise<number> {
  const request = { policy: policyOf(flags), demand: demandOf(flags) };
  return runBatch(terminal, flags, {
    caution: { final: 'A destroyed key cannot be brought back.' },
    useCase: ({ retire: service }) => retireStep(service, request),
    finish(result): BatchOutput {
      const waiting = result.done
        .filter((each) => each.result.outcome === 'waiting')
        .map(({ connection, result: { detail } }) => ({
          customer_id: connection.customerId,
          detail,
        }));
      const retired = result.done.length - waiting.length;
      const note = waiting.length === 0 ? '' : `, ${waiting.length} waiting for the key to go`;
      return {
        json: { done: retired, skipped: result.skipped, waiting },
        notes: waiting.map(
          ({ customer_id: id, detail }) =>
            `${id}: quiet; ${detail}. See \`keyshift retire --instructions --customer ${id}\``,
        ),
        text: `${summarize(`${retired} retired`, result)}${note}`,
        exitCode: waiting.length > 0 ? 2 : 0,
      };
    },
  });
}

/** Of customers who are named, also what is missing at another stage. */
function readyFor(flags: RetireFlags, connection: Connection): Decision<undefined> {
  return flags.customer !== undefined || mayRetire(connection)
    ? willChange(undefined, 'nothing: this is only a check')
    : otherStage(connection, 'only live and quiet connections can be retired');
}

function review(terminal: Terminal, flags: RetireFlags): Promise<number> {
  return runBatch(terminal, flags, {
    caution: 'none',
    useCase: ({ retire: service }) => ({
      decide: (connection) => Promise.resolve(readyFor(flags, connection)),
      carryOut: (connection, _change, { signal }) =>
        service.review(connection, policyOf(flags), signal),
    }),
    finish({ done, skipped }): BatchOutput {
      const reviews = done
        .map(({ result }) => result)
        .toSorted((a, b) => (a.connection.customerId < b.connection.customerId ? -1 : 1));
      const ready = reviews.filter((each) => each.ready).length;
      return {
        json: { ready, skipped, reviews: reviews.map(toReviewJson) },
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
  return runBatch(terminal, flags, {
    caution: 'none',
    useCase: ({ store }) => ({
      decide: (connection) => Promise.resolve(readyFor(flags, connection)),
      async carryOut(connection) {
        const key =
          connection.key === 'held' ? await store.privateKeys.open(connection.id) : undefined;
        if (key) return writeKeyInstructions(connection, redactKey(key));
        throw new KeyshiftError(
          'key_not_found',
          `Customer ${connection.customerId} has no stored private key of its account.`,
          { fix: 'There is nothing for this customer to do.' },
        );
      },
    }),
    finish({ done, skipped }): BatchOutput {
      const letters = done.map(({ result }) => result);
      return {
        json: {
          skipped,
          instructions: letters.map(({ customerId, email, subject, text, link }) => ({
            ...{ customer_id: customerId, email: email ?? null, subject, text, link },
          })),
        },
        text: letters
          .map(({ customerId, email, subject, text }) =>
            [`To: ${email ?? customerId}`, `Subject: ${subject}`, '', text, ''].join('\n'),
          )
          .join('\n'),
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
