import { createHash } from 'node:crypto';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import type { Store } from '../../store/store.ts';
import { isEmailAddress } from '../../model/customer.ts';
import type { FoundInvitation } from '../consent/invitations.ts';
import { queueMessage } from './queue-message.ts';

const dayMs = 86_400_000;
/** A link may be passed on to so many people in a day. */
const perInvitation = 3;
/** Over all links: whoever got hold of many must not send mail without end. */
const perHour = 100;

/** Passes a link on to an administrator by mail; the text is fixed, only the address is free. */
export type HandOver = (found: FoundInvitation, address: string) => Promise<void>;

/** Creates the service. */
export function createHandOver(options: {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
}): HandOver {
  const { store, clock } = options;
  let last: Promise<unknown> = Promise.resolve();
  return (found, text) => {
    // One behind the other: requests at the same moment must not all find the count below its limit.
    const mine = last.then(() => handOver(found, text));
    last = mine.catch(() => undefined);
    return mine;
  };

  async function handOver({ connection, invitation }: FoundInvitation, text: string) {
    const recipient = text.trim();
    if (!isEmailAddress(recipient)) {
      throw new KeyshiftError('request_invalid', 'This is not an email address.', {
        fix: 'Write one address, such as name@company.example.',
      });
    }
    const nowMs = clock.now();
    const kinds = ['hand_over'] as const;
    const ofLink = { kinds, invitationId: invitation.id, sinceMs: nowMs - dayMs };
    const ofAll = { kinds, sinceMs: nowMs - 3_600_000 };
    if (
      (await store.outbox.count(ofLink)) >= perInvitation ||
      (await store.outbox.count(ofAll)) >= perHour
    ) {
      throw new KeyshiftError(
        'too_many_attempts',
        'The link has already been passed on several times.',
        {
          fix: 'Copy the link and send it yourself, or try again tomorrow.',
        },
      );
    }
    const digest = createHash('sha256').update(recipient.toLowerCase()).digest('hex').slice(0, 16);
    const day = Math.floor(nowMs / dayMs);
    await queueMessage(
      store,
      {
        ...{ connection, invitation, recipient },
        ...{ kind: 'hand_over', channel: 'mail', turn: `${digest}-${day}` },
      },
      options,
    );
  }
}
