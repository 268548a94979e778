import { createHmac } from 'node:crypto';
import { isKeyshiftError } from '../../errors/keyshift-error.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { HttpClient } from '../../runtime/http-client.ts';
import { parseRetryAfterSec } from '../../runtime/retry-after.ts';
import type { Secret } from '../../runtime/secret.ts';
import type { MessageContext } from './message-context.ts';
import type { Transport } from './send-result.ts';
import type { WebhookSettings } from './settings.ts';

const deadlineMs = 15_000;

const eventTypes = {
  invitation: 'invitation.created',
  reminder: 'invitation.reminder',
  hand_over: 'invitation.handed_over',
} as const satisfies Record<MessageContext['kind'], string>;

/**
 * Posts events to the integrator. An event that gets no clear answer is posted again, under the
 * same `id`: receivers drop what they have seen.
 */
export function createWebhookTransport(
  { url, secret }: WebhookSettings,
  { http, clock }: { readonly http: HttpClient; readonly clock: Clock },
): Transport<MessageContext> {
  return {
    ready: () => Promise.resolve(undefined),
    close: () => Promise.resolve(),
    async send(context) {
      const timestampSec = Math.floor(clock.now() / 1000);
      const body = JSON.stringify(toEvent(context));
      try {
        const { status, headers } = await http.send({
          method: 'POST',
          url: url.reveal(),
          headers: {
            'content-type': 'application/json',
            'keyshift-event-id': context.messageId,
            'keyshift-timestamp': String(timestampSec),
            'keyshift-signature': signWebhook(secret, timestampSec, body),
          },
          body,
          deadlineMs,
        });
        const detail = `the webhook answered ${status}`;
        if (status >= 200 && status < 300) return { kind: 'accepted', detail };
        if (status === 410) return { kind: 'refused', detail };
        const retryAfterSec = parseRetryAfterSec(headers['retry-after'], clock.now());
        return { kind: 'transient', detail, ...(retryAfterSec !== undefined && { retryAfterSec }) };
      } catch (error) {
        if (!isKeyshiftError(error)) throw error;
        return { kind: 'transient', detail: `the webhook gave no answer (${error.code})` };
      }
    },
  };
}

/**
 * Signs the body of a webhook: `v1=` and HMAC-SHA-256, in hex, over the timestamp in seconds, a
 * full stop, and the body as it was sent.
 *
 * @example
 * ```ts
 * signWebhook(secret, 1_800_000_000, '{"id":"…"}'); // "v1=3f7c…"
 * ```
 */
export function signWebhook(
  secret: Secret<'webhook_secret'>,
  timestampSec: number,
  body: string,
): string {
  const digest = createHmac('sha256', secret.reveal()).update(`${timestampSec}.${body}`);
  return `v1=${digest.digest('hex')}`;
}

function toEvent(context: MessageContext) {
  return {
    id: context.messageId,
    type: eventTypes[context.kind],
    data: {
      customer_id: context.customerId,
      name: context.customerName ?? null,
      email: context.email ?? null,
      account_id: context.accountId ?? null,
      labels: context.labels,
      wave: context.wave ?? null,
      link: context.link,
      unsubscribe_link: context.unsubscribeLink,
      expires_at: new Date(context.expiresAtMs).toISOString(),
    },
  };
}
