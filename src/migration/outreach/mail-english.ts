import type { MailFacts, MailLanguage } from './mail-words.ts';

const why = ({ sender }: MailFacts) =>
  `${sender} is connected to your Klaviyo account with a private API key. Klaviyo now asks apps ` +
  'to connect with OAuth instead: you sign in to Klaviyo, see exactly what you’re allowing, and ' +
  'can revoke it any time.';

/** English, also for customers whose language is not among ours. */
export const english: MailLanguage = {
  locale: 'en-GB',
  write(kind, facts) {
    const { sender, contact, customer, account, lastDay } = facts;
    const hello = customer === undefined ? 'Hello,' : `Hello ${customer},`;
    const accountLine =
      account === undefined ? [] : [`When Klaviyo asks, please choose the account ${account}.`];
    const frame = {
      button: 'Confirm the connection',
      after: [
        `The link is valid until ${lastDay} and can be opened as many times as you like. It’s meant for you only. If someone else looks after Klaviyo at your company, the page it opens explains how to pass it on.`,
        'We’ll never ask you for a password or an API key. Before you sign in, check that the address in your browser is on klaviyo.com.',
        ...(contact === undefined ? [] : [`Questions? ${contact}`]),
      ],
      unsubscribe: 'Unsubscribe from these emails',
    };
    switch (kind) {
      case 'invitation':
        return {
          ...frame,
          subject: `Please confirm your Klaviyo connection with ${sender}`,
          greeting: hello,
          before: [
            why(facts),
            'Please confirm the connection. You only have to do this once; it takes about a minute, and everything keeps working in the meantime.',
            ...accountLine,
          ],
        };
      case 'reminder':
        return {
          ...frame,
          subject: `Reminder: please confirm your Klaviyo connection with ${sender}`,
          greeting: hello,
          before: [
            `We recently asked you to confirm how ${sender} connects to your Klaviyo account, but we haven’t received your confirmation yet.`,
            'It takes about a minute, and everything keeps working in the meantime.',
            ...accountLine,
          ],
        };
      case 'hand_over':
        return {
          ...frame,
          subject: `Please confirm the Klaviyo connection with ${sender}`,
          greeting: 'Hello,',
          before: [
            `Someone${customer === undefined ? '' : ` at ${customer}`} passed this on to you because an owner, admin or manager of the Klaviyo account has to confirm it.`,
            why(facts),
            ...accountLine,
          ],
        };
      default:
        return kind satisfies never;
    }
  },
};
