import type { MessageContext } from '../../migration/outreach/message-context.ts';
import {
  createOutboxRunner,
  type ChannelSetup,
  type OutboxRunner,
} from '../../migration/outreach/outbox-runner.ts';
import type { KeyshiftParts } from '../../core/create-keyshift.ts';
import { dayOf } from './rehearsal-settings.ts';
import type { World } from './world.ts';

const hands = 4;

/**
 * Sends the outbox into the mailboxes of the people, as the company's own mailer behind a webhook
 * would: a message that comes again after a crash is known by its id, and put there once.
 */
export function createMailman(
  { store, invitations, clock, random }: KeyshiftParts,
  world: World,
  publicUrl: string,
): OutboxRunner {
  const deliver = ({ messageId, kind, link, customerId }: MessageContext) => {
    const index = Number(customerId.slice(customerId.lastIndexOf('-') + 1)) - 1;
    const day = dayOf(clock.now());
    world.deliver(index, {
      ...{ id: messageId, day, link },
      kind: kind === 'reminder' ? 'reminder' : 'invitation',
    });
    return Promise.resolve({ kind: 'accepted', detail: 'delivered' } as const);
  };
  const webhook: ChannelSetup = {
    hands,
    ratePerSec: Infinity,
    open: () => ({
      ready: () => Promise.resolve(undefined),
      send: deliver,
      close: () => Promise.resolve(),
    }),
  };
  return createOutboxRunner({
    store,
    invitations,
    clock,
    random,
    publicUrl,
    channels: { webhook },
  });
}
