import { speak } from './language.ts';
import { Layout, type PageProps } from './layout.tsx';
import { MessageCard } from './message-card.tsx';

export interface UnsubscribePageProps extends PageProps {
  readonly formAction: string;
  /** Whether it has been done. */
  readonly done: boolean;
}

/** Unsubscribes an address. Opening the page does nothing: email scanners open it too. */
export function UnsubscribePage(props: UnsubscribePageProps) {
  const say = speak(props.language);
  const heading = props.done
    ? say('You’re unsubscribed', 'Sie erhalten keine E-Mails mehr')
    : say('Unsubscribe?', 'E-Mails abbestellen?');
  return (
    <Layout {...props} title={heading}>
      <MessageCard tone={props.done ? 'good' : 'warn'} heading={heading}>
        {props.done ? (
          <p>
            {say(
              'You won’t get any more emails about the Klaviyo connection. The link we sent you still works.',
              'Sie erhalten keine weiteren E-Mails zur Klaviyo-Verbindung. Der Link, den wir Ihnen geschickt haben, funktioniert weiterhin.',
            )}
          </p>
        ) : (
          <>
            <p>
              {say(
                'We’ll stop sending emails about the Klaviyo connection to this address. You still have to confirm the connection before your API key stops working.',
                'Wir senden an diese Adresse keine E-Mails zur Klaviyo-Verbindung mehr. Bestätigen müssen Sie die Verbindung trotzdem, bevor Ihr API-Schlüssel nicht mehr gilt.',
              )}
            </p>
            <form method="post" action={props.formAction}>
              <button type="submit" class="button">
                {say('Unsubscribe', 'Abbestellen')}
              </button>
            </form>
          </>
        )}
      </MessageCard>
    </Layout>
  );
}
