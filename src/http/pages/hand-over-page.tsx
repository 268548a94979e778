import { cleanText } from './clean-text.ts';
import { Integrator } from './integrator.tsx';
import { speak, type PageLanguage } from './language.ts';
import { Layout, type PageProps } from './layout.tsx';

export interface HandOverPageProps extends PageProps {
  /** The link to pass on. */
  readonly link: string;
  /** The page that the link leads to. */
  readonly backHref: string;
  /** Where the form goes; absent where no email can be sent. */
  readonly formAction?: string | undefined;
  /** The address that an email has just been queued for. */
  readonly sentTo?: string | undefined;
  /** Why nothing was sent. */
  readonly error?: string | undefined;
  /** Path of the script that copies the link. Without it, the field can be selected. */
  readonly scriptHref: string;
}

/** Lets a customer who may not approve in Klaviyo pass the link on to somebody who may. */
export function HandOverPage(props: HandOverPageProps) {
  const { language, link } = props;
  const say = speak(language);
  const heading = say('Send this to your administrator', 'An Ihren Administrator weitergeben');
  return (
    <Layout {...props} title={props.sentTo === undefined ? heading : say('Sent', 'Gesendet')}>
      <h1>{heading}</h1>
      {props.sentTo !== undefined && <Sent sentTo={props.sentTo} language={language} />}
      <p>
        {say(
          'An owner, admin or manager of the Klaviyo account can approve. Send them this link. It’s meant for your account only, so please don’t share it with anyone else.',
          'Ein Inhaber, Administrator oder Manager des Klaviyo-Kontos kann zustimmen. Schicken Sie ihm diesen Link. Er ist nur für Ihr Konto bestimmt; geben Sie ihn bitte sonst niemandem.',
        )}
      </p>
      <div class="field">
        <label for="link">Link</label>
        <input id="link" type="text" readonly value={link} />
      </div>
      <p class="row">
        {/* Shown by the script that makes it work. */}
        <button
          type="button"
          id="copy"
          class="button quiet"
          data-done={say('Copied', 'Kopiert')}
          hidden
        >
          {say('Copy the link', 'Link kopieren')}
        </button>
        <a class="button quiet" href={mailto(link, language)}>
          {say('Compose an email', 'E-Mail schreiben')}
        </a>
      </p>
      <p id="copied" class="visually-hidden" role="status" />
      {props.sentTo === undefined && <MailForm {...props} />}
      <p>
        <a href={props.backHref}>
          {say(
            <>
              Back to the connection with <Integrator name={props.integratorName} />
            </>,
            <>
              Zurück zur Verbindung mit{' '}
              <Integrator name={props.integratorName} language="de" dative />
            </>,
          )}
        </a>
      </p>
      <script src={props.scriptHref} defer />
    </Layout>
  );
}

function Sent({
  sentTo,
  language,
}: {
  readonly sentTo: string;
  readonly language: PageLanguage | undefined;
}) {
  const say = speak(language);
  return (
    <div class="card notice good" role="status">
      <p>
        <strong>{say('Sent.', 'Gesendet.')}</strong>{' '}
        {say(
          <>
            We’ve emailed the link to <bdi>{cleanText(sentTo, 300)}</bdi>. There’s nothing else for
            you to do.
          </>,
          <>
            Der Link ist per E-Mail an <bdi>{cleanText(sentTo, 300)}</bdi> unterwegs. Sie brauchen
            nichts weiter zu tun.
          </>,
        )}
      </p>
    </div>
  );
}

function MailForm({ formAction, error, language }: HandOverPageProps) {
  if (formAction === undefined) return null;
  const say = speak(language);
  return (
    <section class="card" aria-labelledby="send">
      <h2 id="send">{say('Or let us email it', 'Oder wir schicken ihn per E-Mail')}</h2>
      {error !== undefined && (
        <p class="field-error" id="address-error" role="alert">
          {cleanText(error)}
        </p>
      )}
      <form method="post" action={formAction}>
        <div class="field">
          <label for="address">
            {say('Administrator’s email address', 'E-Mail-Adresse des Administrators')}
          </label>
          <input
            id="address"
            name="address"
            type="email"
            autocomplete="off"
            required
            {...(error === undefined
              ? {}
              : { 'aria-invalid': 'true', 'aria-describedby': 'address-error' })}
          />
        </div>
        <button type="submit" class="button">
          {say('Send the link', 'Link senden')}
        </button>
      </form>
    </section>
  );
}

function mailto(link: string, language: PageLanguage | undefined): string {
  const say = speak(language);
  const subject = say(
    'Please confirm our Klaviyo connection',
    'Bitte bestätige unsere Klaviyo-Verbindung',
  );
  const body = say(
    'Please open this link and approve the connection. It has to be an owner, admin or manager of our Klaviyo account.',
    'Bitte öffne diesen Link und stimme der Verbindung zu. Das kann nur ein Inhaber, Administrator oder Manager unseres Klaviyo-Kontos.',
  );
  return `mailto:?subject=${encodeURIComponent(subject)}&body=${encodeURIComponent(`${body}\n\n${link}\n`)}`;
}
