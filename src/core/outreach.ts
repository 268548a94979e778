import { composeMail } from '../migration/outreach/compose-mail.ts';
import { createHandOver, type HandOver } from '../migration/outreach/hand-over.ts';
import {
  createOutboxRunner,
  type ChannelSetup,
  type OutboxRunner,
} from '../migration/outreach/outbox-runner.ts';
import { createSmtpTransport } from '../migration/outreach/smtp-transport.ts';
import { createWebhookTransport } from '../migration/outreach/webhook-transport.ts';
import type { Invitations } from '../migration/consent/invitations.ts';
import type { Clock } from '../runtime/clock.ts';
import type { HttpClient } from '../runtime/http-client.ts';
import type { Random } from '../runtime/random.ts';
import type { Store } from '../store/store.ts';
import type { KeyshiftConfig } from './config.ts';

/** How customers are written to. */
export interface Outreach {
  readonly outbox: OutboxRunner;
  /** Absent where no mail can be sent. */
  readonly handOver: HandOver | undefined;
}

const webhookHands = 4;
const webhookRatePerSec = 50;

/** Puts the services together by what is set up. */
export function createOutreach(options: {
  readonly config: KeyshiftConfig;
  readonly store: Store;
  readonly invitations: Invitations;
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly random: Random;
}): Outreach {
  const { config, clock, http } = options;
  const { smtp, sender, webhook } = config.outreach;
  const mail: ChannelSetup | undefined =
    smtp && sender
      ? {
          hands: smtp.connections,
          ratePerSec: smtp.ratePerSec,
          open() {
            const { send, ...rest } = createSmtpTransport(smtp, clock);
            return {
              ...rest,
              send: async (context) =>
                send(
                  await composeMail(
                    context,
                    { ...sender, contact: config.company.contact },
                    clock.now(),
                  ),
                ),
            };
          },
        }
      : undefined;
  const hook: ChannelSetup | undefined = webhook && {
    hands: webhookHands,
    ratePerSec: webhookRatePerSec,
    open: () => createWebhookTransport(webhook, { http, clock }),
  };
  return {
    outbox: createOutboxRunner({
      ...options,
      publicUrl: config.publicUrl,
      channels: { ...(mail && { mail }), ...(hook && { webhook: hook }) },
    }),
    handOver: mail && createHandOver(options),
  };
}
