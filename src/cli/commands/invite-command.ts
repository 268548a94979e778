import { InvalidArgumentError, Option, type Command } from 'commander';
import { requireChannel } from '../../core/read-outreach.ts';
import type { Workbench } from '../../core/workbench.ts';
import { mailLanguages } from '../../migration/outreach/render-mail.ts';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import type { Labels } from '../../model/labels.ts';
import type { MessageChannel, MessageKind } from '../../model/message.ts';
import type { CommandContext } from '../command-context.ts';
import { eachConnection } from '../each-connection.ts';
import { openInvitationCsv } from '../invitation-csv.ts';
import { inviteCustomers, type Invited, type InviteResult } from '../invite-customers.ts';
import { bannerSnippet, previewMail } from '../invite-preview.ts';
import { reportFailures } from '../report-failures.ts';
import { withWorkbench } from '../run-with.ts';
import type { Selection } from '../select-connections.ts';
import { addCohortOption, addCustomerOption, decimal, whole } from '../options.ts';
import { needsLook, sendOutbox } from '../send-outbox.ts';
import type { Terminal } from '../terminal.ts';

interface InviteFlags {
  readonly customer?: readonly string[];
  readonly cohort?: Labels;
  readonly wave?: string;
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
  readonly json?: boolean;
}

/** `keyshift invite`: makes the durable links, and tells customers of them. */
export function addInviteCommand(program: Command, { terminal, run }: CommandContext): void {
  const kinds = ['invitation', 'reminder', 'hand_over'] as const satisfies MessageKind[];
  addCohortOption(addCustomerOption(program.command('invite')))
    .description('create (or show again) the links by which customers consent, and send them')
    .option(
      '--wave <name>',
      'the name of this round; who is in another one is passed over',
      parseWave,
    )
    .option(
      '--limit <n>',
      'most customers: of the wave in all, or newly invited',
      whole(1, 1_000_000),
    )
    .option('--days <n>', 'days a new link stays valid', decimal(0.01, 365), 30)
    .option('--mail', 'send the links by mail (SMTP_URL, MAIL_FROM)')
    .option('--webhook', 'post the links to your webhook (WEBHOOK_URL, WEBHOOK_SECRET)')
    .option('--csv <file>', 'write the links to a file for a mailer of your own')
    .option('--no-send', 'queue messages only; the server or `keyshift outbox` sends')
    .option('--reissue', 'end the links that are open and make new ones')
    .option('--revoke', 'end the links that are open')
    .option('--preview [file]', 'show a mail, or write it as .html, .eml or .txt; sends nothing')
    .addOption(
      new Option('--kind <kind>', 'which mail to preview').choices(kinds).default(kinds[0]),
    )
    .addOption(
      new Option('--lang <tag>', 'language of the preview').choices(mailLanguages).default('en'),
    )
    .option('--banner', 'print a banner for your own application')
    .option('--json', 'print one JSON object a line for each invitation')
    .action(
      run((flags: InviteFlags) =>
        withWorkbench(async (workbench, { signal }) => {
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
            ? revoke(workbench, terminal, flags, signal)
            : invite(workbench, terminal, flags, signal);
        }),
      ),
    );
}

const toSelection = ({ customer, cohort }: InviteFlags): Selection => ({
  ...(customer && { customer }),
  ...(cohort && { cohort }),
  ...(!customer && !cohort && { all: true }),
});

async function invite(
  workbench: Workbench,
  terminal: Terminal,
  flags: InviteFlags,
  signal: AbortSignal,
): Promise<number> {
  const { outreach } = workbench.config;
  if (flags.mail === true) requireChannel(outreach, 'mail');
  if (flags.webhook === true) requireChannel(outreach, 'webhook');
  const channels: MessageChannel[] = [];
  if (flags.mail === true) channels.push('mail');
  if (flags.webhook === true) channels.push('webhook');
  if (flags.csv !== undefined) channels.push('export');
  const csv = flags.csv === undefined ? undefined : await openInvitationCsv(flags.csv);
  const counter = terminal.counter('customers invited');
  let count = 0;
  let result: InviteResult;
  try {
    result = await inviteCustomers(
      workbench,
      {
        selection: toSelection(flags),
        validForMs: flags.days * 86_400_000,
        ...{ wave: flags.wave, limit: flags.limit, reissue: flags.reissue === true },
        ...{ channels, csv },
      },
      signal,
      (invited) => {
        count += 1;
        if (channels.length > 0) counter.update(count);
        printInvited(terminal, invited, flags, channels.length > 0);
      },
    );
    await csv?.finish();
  } catch (error) {
    csv?.discard();
    throw error;
  } finally {
    counter.stop();
  }
  reportFailures(terminal, result);
  if (flags.json !== true) printResult(terminal, result, channels);
  const sends = flags.send && (flags.mail === true || flags.webhook === true) && !signal.aborted;
  const sent = sends
    ? await sendOutbox(workbench, terminal, { signal, quiet: flags.json === true })
    : undefined;
  if (result.failures.length > 0) return 1;
  return sent && needsLook(sent) ? 2 : 0;
}

async function revoke(
  { store, invitations }: Workbench,
  terminal: Terminal,
  flags: InviteFlags,
  signal: AbortSignal,
): Promise<number> {
  if (!flags.customer && !flags.cohort && flags.wave === undefined) {
    throw new KeyshiftError('request_invalid', 'It is not said whose links are to be ended.', {
      fix: 'Use --customer, --cohort or --wave.',
    });
  }
  let links = 0;
  const inWave = new Set<string>();
  if (flags.wave !== undefined) {
    for await (const { id } of store.connections.list({ wave: flags.wave })) inWave.add(id);
  }
  const result = await eachConnection(
    store,
    toSelection(flags),
    ({ id }) => flags.wave === undefined || inWave.has(id),
    async (connection) => {
      links += await invitations.revoke(connection, 'cli');
    },
    signal,
  );
  reportFailures(terminal, result);
  if (flags.json === true) terminal.print(JSON.stringify({ revoked: links }));
  else terminal.print(`${links} links ended`);
  return result.failures.length > 0 ? 1 : 0;
}

function printInvited(
  terminal: Terminal,
  { issued, link, messages }: Invited,
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

function printResult(
  terminal: Terminal,
  { done, skipped, messages }: InviteResult,
  channels: readonly MessageChannel[],
): void {
  terminal.note(`${done} invited, ${skipped} not to be invited now`);
  if (channels.length === 0) return;
  const { queued, queued_before: before, no_address: noAddress, opted_out: optedOut } = messages;
  terminal.note(
    `${queued} messages queued, ${before} were before, ` +
      `${noAddress} without an address, ${optedOut} want no mail`,
  );
}

function parseWave(value: string): string {
  const name = value.trim();
  if (name !== '' && name.length <= 100 && !/\p{C}/u.test(name)) return name;
  throw new InvalidArgumentError('It must be a name of up to 100 characters.');
}
