import type { MessageKind } from '../../model/message.ts';

/** The facts that an email is written from. */
export interface MailFacts {
  /** The company that sends it, by the name in `MAIL_FROM`. */
  readonly sender: string;
  /** Where customers get help. */
  readonly contact: string | undefined;
  /** The customer's name, where it is known. */
  readonly customer: string | undefined;
  /** The Klaviyo account, as "Acme Tea (AbC123)". */
  readonly account: string | undefined;
  /** The last day of the link, in the language's own form. */
  readonly lastDay: string;
}

/** One email in one language, as paragraphs of plain text. */
export interface MailWords {
  readonly subject: string;
  readonly greeting: string;
  /** Above the button. */
  readonly before: readonly string[];
  readonly button: string;
  /** Below it. */
  readonly after: readonly string[];
  readonly unsubscribe: string;
}

/** A language: how dates are written, and what each kind of message says. */
export interface MailLanguage {
  /** BCP 47, for dates and the `lang` of the HTML. */
  readonly locale: string;
  readonly write: (kind: MessageKind, facts: MailFacts) => MailWords;
}
