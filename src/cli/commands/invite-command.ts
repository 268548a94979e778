import { Option, type Command } from 'commander';
import { requireConsents } from '../../core/read-config.ts';
import { requireChannel } from '../../core/read-outreach.ts';
import type { Workbench } from '../../core/workbench.ts';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import {
  inviteCustomers,
  revokeLinks,
  type Invited,
  type InviteRequest,
} from '../../migration/operate/invite.ts';
import type { Selection } from '../../migration/operate/selection.ts';
import { languageOf } from '../../migration/outreach/message-context.ts';
import { mailLanguages } from '../../migration/outreach/render-mail.ts';
import type { QueueVerdict } from '../../migration/outreach/queue-message.ts';
import type { MessageChannel, MessageKind } from '../../model/message.ts';
import type { Store } from '../../store/store.ts';
import { runBatchOn } from '../batch.ts';
import { countUnchecked } from './check-command.ts';
import type { CommandContext } from '../command-context.ts';
import { openInvitationCsv } from '../invitation-csv.ts';
import { bannerSnippet, previewMail } from '../invite-preview.ts';
import {
  addCohortOption,
  addCustomerOption,
  addChangeOptions,
  decimal,
  parseWave,
  whole,
  type ChangeFlags,
  type SelectionFlags,
} from '../options.ts';
import { withWorkbench, type Run } from '../run-with.ts';
import { needsLook, sendOutbox } from '../send-outbox.ts';
import { count } from '../../runtime/count.ts';
import type { Terminal } from '../terminal.ts';

interface InviteFlags extends SelectionFlags, ChangeFlags {
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
  readonly printLinks?: boolean;
}

/** `keyshift invite`: makes the durable links, and tells customers of them. */
export function addInviteCommand(program: Command, { terminal, run }: CommandContext): void {
  const kinds = ['invitation', 'reminder', 'hand_over'] as const satisfies MessageKind[];
  addChangeOptions(addCohortOption(addCustomerOption(program.command('invite'))))
    .description('create the links with which customers connect, and send them')
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
    .option(
      '--print-links',
      'print the links: anyone who has one can connect in its customer’s name',
    )
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
            terminal.print(
              bannerSnippet('THE LINK OF THE CUSTOMER, FROM keyshift invite --print-links'),
            );
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
  running: Run,
): Promise<number> {
  const { store, config } = workbench;
  requireConsents(config);
  const channels = channelsOf(flags);
  for (const channel of channels)
    if (channel !== 'export') requireChannel(config.outreach, channel);
  if (channels.length === 0 && flags.printLinks !== true && flags.banner !== true) {
    throw new KeyshiftError('request_invalid', 'Say how the customers get their links.', {
      fix: 'Use --mail, --webhook or --csv FILE; or --print-links, to pass them on yourself.',
    });
  }
  const selection = selectionOf(flags);
  const request: InviteRequest = {
    validForMs: flags.days * 86_400_000,
    wave: flags.wave,
    limit: flags.limit,
    reissue: flags.reissue === true,
    channels,
  };
  const writes = flags.csv !== undefined && flags.dryRun !== true;
  const csv = writes ? await openInvitationCsv(flags.csv) : undefined;
  const counter = terminal.counter('customers invited');
  const messages = { queued: 0, queued_before: 0, no_address: 0, opted_out: 0 };
  let [invited, ended] = [0, false];
  const exitCode = await runBatchOn(
    workbench,
    terminal,
    { ...flags, selection },
    {
      useCase: () => inviteCustomers(workbench, request, selection),
      caution: flags.reissue === true ? { final: 'A link that is revoked stops working.' } : 'many',
      printsAsItGoes: true,
      concurrency: 1,
      async onDone(result) {
        const link = `${config.publicUrl}/connect/${result.issued.token.reveal()}`;
        for (const verdict of Object.values(result.messages)) messages[verdict] += 1;
        if (csv && result.messages.export !== 'opted_out') {
          await csv.write(await toCsvRow(store, result, link));
        }
        invited += 1;
        if (channels.length > 0) counter.update(invited);
        printInvited(terminal, { ...result, link }, flags);
      },
      async finish({ skipped }) {
        counter.stop();
        await csv?.finish();
        ended = true;
        if (flags.json === true) return {};
        const notes = [`${invited} invited, ${skipped} skipped`];
        const unchecked = skipped > 0 ? await countUnchecked(store) : 0;
        if (unchecked > 0) {
          notes.push(`${count(unchecked, 'key')} not checked yet. Next: keyshift check`);
        }
        if (channels.length > 0) notes.push(describeMessages(messages));
        return { notes, exitCode: unchecked > 0 && invited === 0 ? 2 : 0 };
      },
    },
    running,
  ).finally(() => {
    if (ended) return;
    counter.stop();
    csv?.discard();
  });
  const { signal } = running;
  const sends = ended && flags.send && (flags.mail === true || flags.webhook === true);
  if (!sends || signal.aborted) return exitCode;
  const sent = await sendOutbox(workbench, terminal, { signal, quiet: flags.json === true });
  return exitCode === 0 && needsLook(sent) ? 2 : exitCode;
}

function channelsOf({ mail, webhook, csv }: InviteFlags): MessageChannel[] {
  const channels: MessageChannel[] = [];
  if (mail === true) channels.push('mail');
  if (webhook === true) channels.push('webhook');
  if (csv !== undefined) channels.push('export');
  return channels;
}

function revoke(
  workbench: Workbench,
  terminal: Terminal,
  flags: InviteFlags,
  running: Run,
): Promise<number> {
  if (!flags.customer && !flags.cohort && flags.wave === undefined) {
    throw new KeyshiftError(
      'request_invalid',
      'Say which links to revoke: --customer, --cohort or --wave.',
      { fix: 'For example: `keyshift invite --revoke --customer ID`.' },
    );
  }
  const wave = flags.wave === undefined ? {} : { wave: flags.wave };
  return runBatchOn(
    workbench,
    terminal,
    { ...flags, selection: { ...selectionOf(flags), ...wave } },
    {
      useCase: revokeLinks,
      caution: { final: 'A link that is revoked stops working.' },
      finish({ done }) {
        const links = done.reduce((sum, { result }) => sum + result, 0);
        return { json: { revoked: links }, text: `${count(links, 'link')} revoked` };
      },
    },
    running,
  );
}

/** A link is a secret: it is printed for those alone who ask for it. */
function printInvited(
  terminal: Terminal,
  { issued, link, messages }: Invited & { readonly link: string },
  { json, printLinks, banner }: InviteFlags,
): void {
  const { connection, invitation } = issued;
  if (json === true) {
    terminal.print(
      JSON.stringify({
        customer_id: connection.customerId,
        account_id: connection.accountId ?? null,
        ...(printLinks === true && { link }),
        expires_at: new Date(invitation.expiresAtMs).toISOString(),
        ...(invitation.wave !== undefined && { wave: invitation.wave }),
        ...messages,
      }),
    );
  } else if (banner === true) terminal.print(bannerSnippet(link));
  else if (printLinks === true) terminal.print(`${connection.customerId}  ${link}`);
}

function describeMessages(messages: Readonly<Record<QueueVerdict, number>>): string {
  const { queued, queued_before: before, no_address: noAddress, opted_out: optedOut } = messages;
  return (
    `${count(queued, 'message')} queued, ${before} already queued, ` +
    `${noAddress} without an address, ${optedOut} unsubscribed`
  );
}

async function toCsvRow(store: Store, { issued }: Invited, link: string) {
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
