import type { MailFacts, MailLanguage } from './mail-words.ts';

const why = ({ sender }: MailFacts) =>
  `${sender} ist bisher über einen privaten API-Schlüssel mit Ihrem Klaviyo-Konto verbunden. ` +
  'Klaviyo verlangt von Integrationen stattdessen OAuth: Sie melden sich bei Klaviyo an, sehen, ' +
  'was erlaubt wird, und können es dort jederzeit zurücknehmen.';

/** German. */
export const german: MailLanguage = {
  locale: 'de-DE',
  write(kind, facts) {
    const { sender, customer, account, lastDay } = facts;
    const hello = customer === undefined ? 'Guten Tag,' : `Guten Tag ${customer},`;
    const accountLine =
      account === undefined ? [] : [`Bitte wählen Sie bei Klaviyo das Konto ${account}.`];
    const frame = {
      button: 'Verbindung bestätigen',
      after: [
        `Der Link gilt bis zum ${lastDay}, so oft Sie ihn öffnen. Er ist nur für Sie bestimmt; wenn sich bei Ihnen jemand anderes um Klaviyo kümmert, sagt die Seite, wie Sie ihn weitergeben.`,
        'Wir fragen nie nach einem Passwort oder API-Schlüssel. Achten Sie vor der Anmeldung darauf, dass Ihr Browser eine Adresse von klaviyo.com zeigt.',
      ],
      unsubscribe: 'Keine weiteren E-Mails dazu',
    };
    switch (kind) {
      case 'invitation':
        return {
          ...frame,
          subject: `Bitte bestätigen Sie Ihre Klaviyo-Verbindung mit ${sender}`,
          greeting: hello,
          before: [
            why(facts),
            'Bitte bestätigen Sie die Verbindung einmal. Es dauert etwa eine Minute, und bis dahin läuft alles weiter wie bisher.',
            ...accountLine,
          ],
        };
      case 'reminder':
        return {
          ...frame,
          subject: `Erinnerung: Bitte bestätigen Sie Ihre Klaviyo-Verbindung mit ${sender}`,
          greeting: hello,
          before: [
            `Wir haben Sie gebeten, die Verbindung von ${sender} mit Ihrem Klaviyo-Konto zu bestätigen, und haben noch keine Bestätigung gesehen.`,
            'Es dauert etwa eine Minute. Bis dahin läuft alles weiter wie bisher.',
            ...accountLine,
          ],
        };
      case 'hand_over':
        return {
          ...frame,
          subject: `Bitte bestätigen Sie die Klaviyo-Verbindung mit ${sender}`,
          greeting: 'Guten Tag,',
          before: [
            `Diese Nachricht wurde${customer === undefined ? '' : ` von ${customer}`} an Sie weitergegeben, weil ein Inhaber oder Administrator des Klaviyo-Kontos zustimmen muss.`,
            why(facts),
            ...accountLine,
          ],
        };
      default:
        return kind satisfies never;
    }
  },
};
