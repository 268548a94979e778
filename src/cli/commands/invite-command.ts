import { Option, type Command } from 'commander';
import { requireChannel } from '../../core/read-outreach.ts';
import type { Workbench } from '../../core/workbench.ts';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import {
  inviteCustomers,
  revokeLinks,
  type Invited,
  type InviteRequest,
} from '../../migration/operate/invite.ts';
import { applyPlan, planFor } from '../../migration/operate/plan.ts';
import type { Selection } from '../../migration/operate/selection.ts';
import { languageOf } from '../../migration/outreach/message-context.ts';
import { mailLanguages } from '../../migration/outreach/render-mail.ts';
import type { QueueVerdict } from '../../migration/outreach/queue-message.ts';
import type { MessageChannel, MessageKind } from '../../model/message.ts';
import { actor, isFailure, printPlan, reportFailures, type BatchFailure } from '../batch.ts';
import type { CommandContext } from '../command-context.ts';
import { openInvitationCsv } from '../invitation-csv.ts';
import { bannerSnippet, previewMail } from '../invite-preview.ts';
import {
  addCohortOption,
  addCustomerOption,
  addDryRunOption,
  decimal,
  parseWave,
  whole,
  type SelectionFlags,
} from '../options.ts';
import { withWorkbench, type Run } from '../run-with.ts';
import { needsLook, sendOutbox } from '../send-outbox.ts';
import { count } from '../../runtime/count.ts';
import type { Terminal } from '../terminal.ts';

interface InviteFlags extends SelectionFlags {
  readonly limit?: number;
  readonly days: number;
  readonly mail?: boolean;
  readonly webhook?: boolean;
  readonly csv?: string;
  readonly send: boolean;
  readonly reissue?: boolean;
  readonly revoke?: boolean;
  readonly preview?: string | true;
  readonly kind: MessageKind;
  readonly lang: string;
  readonly banner?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** `keyshift invite`: makes the durable links, and tells customers of them. */
export function addInviteCommand(program: Command, { terminal, run }: CommandContext): void {
  const kinds = ['invitation', 'reminder', 'hand_over'] as const satisfies MessageKind[];
  addDryRunOption(addCohortOption(addCustomerOption(program.command('invite'))))
    .description('create (or show again) the links with which customers connect, and send them')
    .option(
      '--wave <name>',
      'the name of this round; customers in another wave are skipped',
      parseWave,
    )
    .option('--limit <n>', 'maximum customers in the wave, or to invite now', whole(1, 1_000_000))
    .option('--days <n>', 'days a new link stays valid', decimal(0.01, 365), 30)
    .option('--mail', 'send the links by email (SMTP_URL, MAIL_FROM)')
    .option('--webhook', 'post the links to your webhook (WEBHOOK_URL, WEBHOOK_SECRET)')
    .option('--csv <file>', 'write the links to a file for your own mailer')
    .option('--no-send', 'queue messages only; the server or `keyshift outbox` sends')
    .option('--reissue', 'revoke the links that are open and make new ones')
    .option('--revoke', 'revoke the links that are open')
    .option('--preview [file]', 'show an email, or write it as .html, .eml or .txt; sends nothing')
    .addOption(
      new Option('--kind <kind>', 'which email to preview').choices(kinds).default(kinds[0]),
    )
    .addOption(
      new Option('--lang <tag>', 'language of the preview').choices(mailLanguages).default('en'),
    )
    .option('--banner', 'print a banner for your own application')
    .option('--json', 'print one JSON object a line for each invitation')
    .action(
      run((flags: InviteFlags) =>
        withWorkbench(async (workbench, running) => {
          if (flags.preview !== undefined) {
            await previewMail(terminal, workbench.config, {
              ...{ kind: flags.kind, language: flags.lang, nowMs: workbench.clock.now() },
              file: flags.preview === true ? undefined : flags.preview,
            });
            return 0;
          }
          if (flags.banner === true && !flags.customer) {
            terminal.print(bannerSnippet('THE LINK OF THE CUSTOMER, FROM keyshift invite --json'));
            return 0;
          }
          return flags.revoke === true
            ? revoke(workbench, terminal, flags, running)
            : invite(workbench, terminal, flags, running);
        }),
      ),
    );
}

function selectionOf({ customer, cohort }: InviteFlags): Selection {
  return {
    ...(customer !== undefined && { customers: customer }),
    ...(cohort !== undefined && { cohort }),
  };
}

async function invite(
  workbench: Workbench,
  terminal: Terminal,
  flags: InviteFlags,
  { signal }: Run,
): Promise<number> {
  const { store, config } = workbench;
  const channels = channelsOf(flags);
  for (const channel of channels)
    if (channel !== 'export') requireChannel(config.outreach, channel);
  const selection = selectionOf(flags);
  const request: InviteRequest = {
    validForMs: flags.days * 86_400_000,
    wave: flags.wave,
    limit: flags.limit,
    reissue: flags.reissue === true,
    channels,
  };
  const useCase = await inviteCustomers(workbench, request, selection);
  const plan = planFor(store, selection, useCase);
  if (flags.dryRun === true) return printPlan(terminal, plan, { ...flags, selection });
  const csv = flags.csv === undefined ? undefined : await openInvitationCsv(flags.csv);
  const counter = terminal.counter('customers invited');
  const failures: BatchFailure[] = [];
  const messages = { queued: 0, queued_before: 0, no_address: 0, opted_out: 0 };
  let [done, skipped] = [0, 0];
  try {
    await applyPlan(store, plan, useCase, {
      actor,
      signal,
      async onOutcome(outcome) {
        const { customerId } = outcome.connection;
        if (outcome.kind === 'failed') failures.push({ customerId, error: outcome.error });
        else if (outcome.kind === 'skipped') {
          if (isFailure(outcome.skip, selection)) {
            failures.push({ customerId, error: outcome.skip.error });
          } else skipped += 1;
        } else {
          const { result: invited } = outcome;
          const link = `${config.publicUrl}/connect/${invited.issued.token.reveal()}`;
          for (const verdict of Object.values(invited.messages)) messages[verdict] += 1;
          if (csv && invited.messages.export !== 'opted_out') {
            await csv.write(await toCsvRow(workbench, invited, link));
          }
          done += 1;
          if (channels.length > 0) counter.update(done);
          printInvited(terminal, { ...invited, link }, flags, channels.length > 0);
        }
      },
    });
    await csv?.finish();
  } catch (error) {
    csv?.discard();
    throw error;
  } finally {
    counter.stop();
  }
  reportFailures(terminal, failures);
  if (flags.json !== true) {
    terminal.note(`${done} invited, ${skipped} skipped`);
    if (channels.length > 0) terminal.note(describeMessages(messages));
  }
  const sends = flags.send && (flags.mail === true || flags.webhook === true) && !signal.aborted;
  const sent = sends
    ? await sendOutbox(workbench, terminal, { signal, quiet: flags.json === true })
    : undefined;
  if (failures.length > 0) return 1;
  return sent && needsLook(sent) ? 2 : 0;
}

function channelsOf({ mail, webhook, csv }: InviteFlags): MessageChannel[] {
  const channels: MessageChannel[] = [];
  if (mail === true) channels.push('mail');
  if (webhook === true) channels.push('webhook');
  if (csv !== undefined) channels.push('export');
  return channels;
}

async function revoke(
  workbench: Workbench,
  terminal: Terminal,
  flags: InviteFlags,
  { signal }: Run,
): Promise<number> {
  const { store } = workbench;
  if (!flags.customer && !flags.cohort && flags.wave === undefined) {
    throw new KeyshiftError(
      'request_invalid',
      'Say which links to revoke: --customer, --cohort or --wave.',
      { fix: 'For example: `keyshift invite --revoke --customer ID`.' },
    );
  }
  const selection = {
    ...selectionOf(flags),
    ...(flags.wave !== undefined && { wave: flags.wave }),
  };
  const useCase = revokeLinks(workbench);
  const plan = planFor(store, selection, useCase);
  if (flags.dryRun === true) return printPlan(terminal, plan, { ...flags, selection });
  let links = 0;
  const failures: BatchFailure[] = [];
  await applyPlan(store, plan, useCase, {
    actor,
    signal,
    onOutcome(outcome) {
      const { customerId } = outcome.connection;
      if (outcome.kind === 'done') links += outcome.result;
      if (outcome.kind === 'failed') failures.push({ customerId, error: outcome.error });
    },
  });
  reportFailures(terminal, failures);
  if (flags.json === true) terminal.print(JSON.stringify({ revoked: links }));
  else terminal.print(`${count(links, 'link')} revoked`);
  return failures.length > 0 ? 1 : 0;
}

function printInvited(
  terminal: Terminal,
  { issued, link, messages }: Invited & { readonly link: string },
  flags: InviteFlags,
  toldOtherwise: boolean,
): void {
  const { connection, invitation } = issued;
  if (flags.json === true) {
    terminal.print(
      JSON.stringify({
        customer_id: connection.customerId,
        account_id: connection.accountId ?? null,
        link,
        expires_at: new Date(invitation.expiresAtMs).toISOString(),
        ...(invitation.wave !== undefined && { wave: invitation.wave }),
        ...messages,
      }),
    );
  } else if (flags.banner === true) terminal.print(bannerSnippet(link));
  // A link is a secret: where it goes out by itself, the terminal need not show it.
  else if (!toldOtherwise) terminal.print(`${connection.customerId}  ${link}`);
}

function describeMessages(messages: Readonly<Record<QueueVerdict, number>>): string {
  const { queued, queued_before: before, no_address: noAddress, opted_out: optedOut } = messages;
  return (
    `${count(queued, 'message')} queued, ${before} already queued, ` +
    `${noAddress} without an address, ${optedOut} unsubscribed`
  );
}

async function toCsvRow({ store }: Workbench, { issued }: Invited, link: string) {
  const { connection, invitation } = issued;
  let messageId = '';
  for await (const entry of store.outbox.list({ invitationId: invitation.id })) {
    if (entry.channel === 'export') messageId = entry.id;
  }
  return {
    customer_id: connection.customerId,
    name: connection.name ?? '',
    email: connection.email ?? '',
    language: languageOf(await store.labels.of(connection.id)) ?? '',
    account_id: connection.accountId ?? '',
    link,
    unsubscribe_link: messageId === '' ? '' : `${link}/unsubscribe/${messageId}`,
    expires_at: new Date(invitation.expiresAtMs).toISOString(),
    wave: invitation.wave ?? '',
  };
}
