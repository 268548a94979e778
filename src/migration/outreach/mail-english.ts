import type { MailFacts, MailLanguage } from './mail-words.ts';

const why = ({ sender }: MailFacts) =>
  `${sender} works with your Klaviyo account by a private API key. Klaviyo asks integrations to ` +
  'connect by OAuth instead: you sign in at Klaviyo, see what is allowed, and can take it back ' +
  'there at any time.';

/** English, the language of whoever has none of ours. */
export const english: MailLanguage = {
  locale: 'en-GB',
  write(kind, facts) {
    const { sender, customer, account, lastDay } = facts;
    const hello = customer === undefined ? 'Hello,' : `Hello ${customer},`;
    const accountLine =
      account === undefined ? [] : [`At Klaviyo, please choose the account ${account}.`];
    const frame = {
      button: 'Confirm the connection',
      after: [
        `The link works until ${lastDay}, as often as you open it. It is for you alone; if somebody else looks after Klaviyo, the page behind it tells you how to pass it on.`,
        'We never ask for a password or an API key. Before you sign in, check that your browser shows an address of klaviyo.com.',
      ],
      unsubscribe: 'No more mail about this',
    };
    switch (kind) {
      case 'invitation':
        return {
          ...frame,
          subject: `Please confirm your Klaviyo connection with ${sender}`,
          greeting: hello,
          before: [
            why(facts),
            'Please confirm the connection once. It takes about a minute, and nothing stops working meanwhile.',
            ...accountLine,
          ],
        };
      case 'reminder':
        return {
          ...frame,
          subject: `Reminder: please confirm your Klaviyo connection with ${sender}`,
          greeting: hello,
          before: [
            `We asked you to confirm how ${sender} is connected to your Klaviyo account, and have not seen the confirmation yet.`,
            'It takes about a minute. Until then everything works as before.',
            ...accountLine,
          ],
        };
      case 'hand_over':
        return {
          ...frame,
          subject: `Please confirm the Klaviyo connection with ${sender}`,
          greeting: 'Hello,',
          before: [
            `Somebody${customer === undefined ? '' : ` at ${customer}`} passed this on to you, since an owner or admin of the Klaviyo account has to confirm it.`,
            why(facts),
            ...accountLine,
          ],
        };
      default:
        return kind satisfies never;
    }
  },
};
