/** What the other side said to one message. */
export type SendResult =
  | { readonly kind: 'accepted'; readonly detail: string }
  /** Worth another try later. */
  | { readonly kind: 'transient'; readonly detail: string; readonly retryAfterSec?: number }
  /** Refused for good: the address does not exist, or the content is not taken. */
  | { readonly kind: 'refused'; readonly detail: string }
  /** The message was on its way when the connection broke: it may have been taken. */
  | { readonly kind: 'uncertain'; readonly detail: string }
  /** Nobody can be written to now: the server, the login or the sender is refused. */
  | { readonly kind: 'unavailable'; readonly detail: string };

/** One hand that sends messages, one at a time. */
export interface Transport<Message> {
  /** Makes sure that the other side is there, before a message is marked as begun. */
  ready(): Promise<SendResult | undefined>;
  send(message: Message): Promise<SendResult>;
  close(): Promise<void>;
}
