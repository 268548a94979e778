import type { MailFacts, MailLanguage } from './mail-words.ts';

const why = ({ sender }: MailFacts) =>
  `${sender} ist bisher über einen privaten API-Schlüssel mit Ihrem Klaviyo-Konto verbunden. ` +
  'Klaviyo bittet Apps inzwischen, stattdessen OAuth zu verwenden: Sie melden sich bei Klaviyo ' +
  'an, sehen genau, was Sie erlauben, und können die Freigabe jederzeit widerrufen.';

/** German. */
export const german: MailLanguage = {
  locale: 'de-DE',
  write(kind, facts) {
    const { sender, contact, customer, account, lastDay } = facts;
    const hello = customer === undefined ? 'Guten Tag,' : `Guten Tag ${customer},`;
    const accountLine =
      account === undefined
        ? []
        : [`Bitte wählen Sie bei der Anmeldung das Klaviyo-Konto ${account}.`];
    const frame = {
      button: 'Verbindung bestätigen',
      after: [
        `Der Link ist bis zum ${lastDay} gültig und lässt sich beliebig oft öffnen. Er ist nur für Sie bestimmt. Kümmert sich bei Ihnen jemand anderes um Klaviyo, erklärt die verlinkte Seite, wie Sie ihn weitergeben können.`,
        'Wir fragen Sie niemals nach einem Passwort oder API-Schlüssel. Prüfen Sie vor der Anmeldung, ob die Adresse in Ihrem Browser zu klaviyo.com gehört.',
        ...(contact === undefined ? [] : [`Fragen? ${contact}`]),
      ],
      unsubscribe: 'Diese E-Mails abbestellen',
    };
    switch (kind) {
      case 'invitation':
        return {
          ...frame,
          subject: `Bitte bestätigen Sie Ihre Klaviyo-Verbindung mit ${sender}`,
          greeting: hello,
          before: [
            why(facts),
            'Bitte bestätigen Sie die Verbindung einmalig. Das dauert etwa eine Minute, und bis dahin funktioniert alles wie gewohnt.',
            ...accountLine,
          ],
        };
      case 'reminder':
        return {
          ...frame,
          subject: `Erinnerung: Bitte bestätigen Sie Ihre Klaviyo-Verbindung mit ${sender}`,
          greeting: hello,
          before: [
            `wir hatten Sie gebeten, die Verbindung zwischen ${sender} und Ihrem Klaviyo-Konto zu bestätigen, haben aber noch keine Bestätigung erhalten.`,
            'Das dauert etwa eine Minute, und bis dahin funktioniert alles wie gewohnt.',
            ...accountLine,
          ],
        };
      case 'hand_over':
        return {
          ...frame,
          subject: `Bitte bestätigen Sie die Klaviyo-Verbindung mit ${sender}`,
          greeting: 'Guten Tag,',
          before: [
            `diese Nachricht wurde${customer === undefined ? '' : ` von ${customer}`} an Sie weitergeleitet, weil ein Inhaber, Administrator oder Manager des Klaviyo-Kontos die Verbindung bestätigen muss.`,
            why(facts),
            ...accountLine,
          ],
        };
      default:
        return kind satisfies never;
    }
  },
};
