import { AccountFacts } from './account-facts.tsx';
import { cleanText } from './clean-text.ts';
import { Integrator } from './integrator.tsx';
import { speak } from './language.ts';
import { Layout, type PageProps } from './layout.tsx';
import { Name } from './name.tsx';
import { ScopeList } from './scope-list.tsx';

export interface ConnectPageProps extends PageProps {
  /** The customer who was invited. */
  readonly customerName?: string | undefined;
  /** Name of the Klaviyo account to choose; absent while no check has told it. */
  readonly accountName?: string | undefined;
  /** Its id, as Klaviyo shows it. */
  readonly accountId?: string | undefined;
  /** The scopes that are asked for. */
  readonly scopes: readonly string[];
  /** Where the button leads. The route there begins the authorization. */
  readonly startHref: string;
  /** Where the link can be passed on to somebody who may approve. */
  readonly handOverHref?: string | undefined;
  /** Until when the link works, as text: "3 March 2027". */
  readonly expiresAt?: string | undefined;
}

/**
 * The page behind an invitation: says who asks for what and why, which account to choose, and
 * leads to Klaviyo with one button that works without JavaScript.
 */
export function ConnectPage(props: ConnectPageProps) {
  const { integratorName, language } = props;
  const say = speak(language);
  const integrator = <Integrator name={integratorName} language={language} />;
  const customer = <Name value={props.customerName ?? ''} />;
  const heading = say('Confirm your Klaviyo connection', 'Klaviyo-Verbindung');
  const verb = say('', ' bestätigen');
  const named = integratorName === undefined ? '' : ` ${say('with', 'mit')} `;
  return (
    <Layout {...props} title={heading + named + cleanText(integratorName ?? '') + verb}>
      <h1>
        {heading}
        {named}
        {named !== '' && integrator}
        {verb}
      </h1>
      {props.customerName !== undefined && (
        <p class="lead">
          {say(
            <>You’re invited to confirm the Klaviyo connection of {customer}.</>,
            <>Bitte bestätigen Sie die Klaviyo-Verbindung von {customer}.</>,
          )}
        </p>
      )}
      <p>
        {say(
          <>
            Klaviyo now asks apps to connect with OAuth instead of private API keys. Everything
            keeps working in the meantime: until you confirm, {integrator} keeps using the
            connection you have today.
          </>,
          <>
            Klaviyo bittet Apps inzwischen, sich über OAuth statt über private API-Schlüssel zu
            verbinden. Bis Sie bestätigen, funktioniert alles wie gewohnt: {integrator} nutzt so
            lange die bisherige Verbindung.
          </>,
        )}
      </p>
      <AccountCard {...props} />
      <h2>{say('What you’re allowing', 'Was Sie erlauben')}</h2>
      <ScopeList scopes={props.scopes} language={language} />
      <NextSteps {...props} />
    </Layout>
  );
}

function AccountCard(props: ConnectPageProps) {
  const { language, integratorName } = props;
  const say = speak(language);
  const isKnown = props.accountName !== undefined || props.accountId !== undefined;
  return (
    <section class="card" aria-labelledby="account">
      <h2 id="account">
        {isKnown
          ? say('Choose this account in Klaviyo', 'Wählen Sie in Klaviyo dieses Konto')
          : say('Choose your account', 'Wählen Sie Ihr Konto')}
      </h2>
      {isKnown ? (
        <dl class="facts">
          <dt>{say('Klaviyo account', 'Klaviyo-Konto')}</dt>
          <dd class="big">
            <AccountFacts
              account={{ name: props.accountName, id: props.accountId }}
              language={language}
            />
          </dd>
        </dl>
      ) : (
        <p>
          {say(
            <>
              Choose the Klaviyo account that you use with <Integrator name={integratorName} />.
            </>,
            <>
              Wählen Sie das Klaviyo-Konto, das Sie mit{' '}
              <Integrator name={integratorName} language="de" dative /> nutzen.
            </>,
          )}
        </p>
      )}
      {/* A link, not a form: browsers hold every redirect after a form against form-action, and
          a company's single sign-on may lie on any host. */}
      <p>
        <a class="button" href={props.startHref} rel="nofollow">
          {say('Continue to Klaviyo', 'Weiter zu Klaviyo')}
        </a>
      </p>
      <p class="muted small">
        {say(
          'Klaviyo shows you everything again before you approve, and you can revoke it any time.',
          'Klaviyo zeigt Ihnen vor der Zustimmung noch einmal alles. Sie können sie jederzeit widerrufen.',
        )}
        {isKnown &&
          say(
            ' If you pick the wrong account, nothing changes.',
            ' Wählen Sie versehentlich ein anderes Konto, ändert sich nichts.',
          )}
      </p>
    </section>
  );
}

function NextSteps(props: ConnectPageProps) {
  const { language, integratorName, handOverHref, expiresAt } = props;
  const say = speak(language);
  const integrator = <Integrator name={integratorName} language={language} />;
  const origin = <code>https://www.klaviyo.com/</code>;
  return (
    <>
      <p>
        {say(
          'If Klaviyo doesn’t let you approve, an owner, admin or manager of the account can.',
          'Lässt Klaviyo Sie nicht zustimmen, kann es ein Inhaber, Administrator oder Manager des Kontos.',
        )}
        {handOverHref !== undefined && (
          <>
            {' '}
            <a href={handOverHref} rel="nofollow">
              {say('Send this to your administrator', 'An Ihren Administrator weitergeben')}
            </a>
            .
          </>
        )}
      </p>
      <details>
        <summary>{say('What happens next', 'Wie es weitergeht')}</summary>
        <ol>
          <li>
            {say(
              'You sign in to Klaviyo, if you aren’t signed in already.',
              'Sie melden sich bei Klaviyo an, falls Sie es noch nicht sind.',
            )}
          </li>
          <li>
            {say(
              'You choose the account and approve the permissions.',
              'Sie wählen das Konto und stimmen den Berechtigungen zu.',
            )}
          </li>
          <li>
            {say(
              'You come back here, and we check that it’s the right account. That’s it.',
              'Sie kehren hierher zurück, und wir prüfen, ob es das richtige Konto ist. Das war alles.',
            )}
          </li>
        </ol>
      </details>
      <details>
        <summary>
          {say('How to tell that this is genuine', 'Woran Sie erkennen, dass das echt ist')}
        </summary>
        <p>
          {say(
            'This page never asks for a password or an API key. ',
            'Diese Seite fragt nie nach einem Passwort oder API-Schlüssel. ',
          )}
          {props.sandbox !== true &&
            say(
              <>
                Before you sign in, check that the address in your browser starts with {origin}
                .{' '}
              </>,
              <>
                Prüfen Sie vor der Anmeldung, ob die Adresse in Ihrem Browser mit {origin}{' '}
                beginnt.{' '}
              </>,
            )}
          {say(
            <>
              Not sure? Ask your usual contact at{' '}
              {integratorName === undefined ? 'the company' : integrator} whether they sent it.
              Share it only with an owner, admin or manager of the account.
            </>,
            <>
              Nicht sicher? Fragen Sie Ihre Ansprechperson bei{' '}
              {integratorName === undefined ? 'dem Unternehmen' : integrator}, ob der Link von dort
              kommt. Geben Sie ihn nur an Inhaber, Administratoren oder Manager des Kontos weiter.
            </>,
          )}
        </p>
      </details>
      <details>
        <summary>{say('If you’d rather not', 'Wenn Sie das nicht möchten')}</summary>
        <p>
          {say(
            <>
              Close this page, or decline in Klaviyo. Nothing will change. Please tell {integrator},
              so that you can agree on another way before your current connection ends.
            </>,
            <>
              Schließen Sie diese Seite, oder lehnen Sie in Klaviyo ab. Es ändert sich nichts. Bitte
              geben Sie <Integrator name={integratorName} language="de" dative /> Bescheid, damit
              Sie sich auf einen anderen Weg einigen, bevor die bisherige Verbindung endet.
            </>,
          )}
        </p>
      </details>
      {expiresAt !== undefined && (
        <p class="reference">
          {say(
            <>
              This link is valid until {cleanText(expiresAt)}. You can open it as many times as you
              like.
            </>,
            <>
              Dieser Link ist bis zum {cleanText(expiresAt)} gültig und lässt sich beliebig oft
              öffnen.
            </>,
          )}
        </p>
      )}
    </>
  );
}
