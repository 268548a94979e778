import { klaviyoSignInPage } from '../../klaviyo/endpoints.ts';
import { AccountFacts, type AccountLabel } from './account-facts.tsx';
import type { ConnectOutcome } from './connect-outcome.ts';
import { Integrator } from './integrator.tsx';
import { speak, type PageLanguage } from './language.ts';
import { Retry } from './retry.tsx';
import { ScopeList } from './scope-list.tsx';

interface Reader {
  readonly integratorName?: string | undefined;
  readonly language?: PageLanguage | undefined;
}

/** What an outcome means for the customer, and the next step if there is one. */
export function OutcomeText({ outcome, ...reader }: Reader & { readonly outcome: ConnectOutcome }) {
  const { integratorName, language } = reader;
  const say = speak(language);
  const integrator = <Integrator name={integratorName} language={language} />;
  const atTheBeginning = <Integrator name={integratorName} language={language} begins />;
  switch (outcome.kind) {
    case 'connected':
      return (
        <>
          <p>
            {say(
              <>Thank you. {atTheBeginning} is now connected to Klaviyo over OAuth.</>,
              <>Vielen Dank. {atTheBeginning} ist jetzt über OAuth mit Klaviyo verbunden.</>,
            )}
          </p>
          <Account {...reader} account={outcome.account} />
          <p>
            {say(
              'If you used an API key before, please leave it in Klaviyo for now. We’ll tell you when you can delete it. You can close this page.',
              'Falls Sie bisher einen API-Schlüssel genutzt haben, lassen Sie ihn bitte vorerst in Klaviyo. Wir sagen Ihnen, wann Sie ihn löschen können. Sie können diese Seite schließen.',
            )}
          </p>
        </>
      );
    case 'already_connected':
      return (
        <>
          {outcome.account && <Account {...reader} account={outcome.account} />}
          <p>
            {say(
              'You’re all set. You can close this page.',
              'Alles ist erledigt. Sie können diese Seite schließen.',
            )}
          </p>
        </>
      );
    case 'installed':
      return <Installed {...reader} account={outcome.account} />;
    case 'wrong_role':
      return <WrongRole {...outcome} language={language} />;
    case 'denied':
      return (
        <>
          <p>
            {say(
              <>
                Nothing has changed. If you’re already connected, {integrator} keeps using that
                connection.
              </>,
              <>
                Es hat sich nichts geändert. Besteht schon eine Verbindung, nutzt {integrator} sie
                weiter.
              </>,
            )}
          </p>
          <p>
            {say(
              'If you’ve changed your mind, or declined by mistake, start again.',
              'Haben Sie es sich anders überlegt oder versehentlich abgelehnt, beginnen Sie neu.',
            )}
          </p>
          <Retry href={outcome.retryHref} language={language} />
        </>
      );
    case 'attempt_expired':
      return (
        <>
          <p>
            {say(
              'For your security, you have a few minutes to finish, and each attempt works only once. Nothing has changed.',
              'Zu Ihrer Sicherheit haben Sie nur einige Minuten Zeit, und jeder Versuch gilt nur einmal. Es hat sich nichts geändert.',
            )}
          </p>
          <Retry href={outcome.retryHref} language={language} again="start" />
        </>
      );
    case 'wrong_account':
      return <WrongAccount {...reader} outcome={outcome} />;
    case 'permission_missing':
      return <PermissionMissing {...reader} outcome={outcome} />;
    case 'link_invalid':
    case 'link_revoked':
    case 'link_expired':
      return <LinkText {...reader} kind={outcome.kind} />;
    case 'klaviyo_unavailable':
      return (
        <>
          <p>
            {say(
              'Nothing has changed, and there’s nothing wrong on your side.',
              'Es hat sich nichts geändert, und es liegt nicht an Ihnen.',
            )}
          </p>
          <p>
            {say(
              'Please wait a few minutes, then try again.',
              'Bitte warten Sie einige Minuten, und versuchen Sie es dann noch einmal.',
            )}
          </p>
          <Retry href={outcome.retryHref} language={language} />
        </>
      );
    default:
      return outcome satisfies never;
  }
}

function Account({
  account,
  language,
  label,
}: Reader & { readonly account: AccountLabel; readonly label?: string }) {
  return (
    <dl class="facts">
      <dt>{label ?? speak(language)('Connected account', 'Verbundenes Konto')}</dt>
      <dd>
        <AccountFacts account={account} language={language} />
      </dd>
    </dl>
  );
}

function WrongAccount({
  outcome,
  integratorName,
  language,
}: Reader & { readonly outcome: Extract<ConnectOutcome, { kind: 'wrong_account' }> }) {
  const { expected, chosen, retryHref } = outcome;
  const say = speak(language);
  const signIn = <a href={klaviyoSignInPage}>klaviyo.com</a>;
  return (
    <>
      <p>
        {say(
          'Nothing has changed. The approval you just gave isn’t used for your connection.',
          'Es hat sich nichts geändert. Die Zustimmung von eben wird für Ihre Verbindung nicht genutzt.',
        )}
      </p>
      <dl class="facts">
        <dt>{say('Expected account', 'Erwartetes Konto')}</dt>
        <dd>
          <AccountFacts account={expected} language={language} />
        </dd>
        <dt>{say('Account you chose', 'Von Ihnen gewähltes Konto')}</dt>
        <dd>
          <AccountFacts account={chosen} language={language} />
        </dd>
      </dl>
      <h2>{say('How to switch accounts', 'So wechseln Sie das Konto')}</h2>
      <ol>
        <li>
          {say(<>Open {signIn} in this browser.</>, <>Öffnen Sie {signIn} in diesem Browser.</>)}
        </li>
        <li>
          {say(
            'Select the name of your account at the bottom left, and choose the expected account there. If it isn’t listed, sign out and sign in with an address that belongs to it.',
            'Klicken Sie unten links auf den Namen Ihres Kontos, und wählen Sie dort das erwartete Konto. Steht es nicht in der Liste, melden Sie sich ab und mit einer Adresse wieder an, die zu ihm gehört.',
          )}
        </li>
        <li>
          {say(
            'Come back here and start again.',
            'Kehren Sie hierher zurück, und beginnen Sie neu.',
          )}
        </li>
      </ol>
      <Retry href={retryHref} language={language} again="start" />
      <p class="muted small">
        {say(
          <>
            If you have moved to another account, tell <Integrator name={integratorName} />. Klaviyo
            may now list the app in the account you chose; you can remove it there.
          </>,
          <>
            Sind Sie in ein anderes Konto umgezogen, geben Sie{' '}
            <Integrator name={integratorName} language="de" dative /> Bescheid. Klaviyo führt die
            App nun womöglich in dem gewählten Konto auf; dort können Sie sie entfernen.
          </>,
        )}
      </p>
    </>
  );
}

function WrongRole({
  retryHref,
  handOverHref,
  language,
}: Pick<Extract<ConnectOutcome, { kind: 'wrong_role' }>, 'retryHref' | 'handOverHref'> & Reader) {
  const say = speak(language);
  return (
    <>
      <p>
        {say(
          'Nothing has changed. Usually only owners, admins and managers of a Klaviyo account can approve an app, and you seem to have a different role.',
          'Es hat sich nichts geändert. In der Regel können nur Inhaber, Administratoren und Manager eines Klaviyo-Kontos einer App zustimmen; Sie haben offenbar eine andere Rolle.',
        )}
      </p>
      <p>
        {say(
          'Ask one of them to open the link, or sign in to Klaviyo as someone who can approve.',
          'Bitten Sie jemanden mit einer dieser Rollen, den Link zu öffnen, oder melden Sie sich bei Klaviyo entsprechend an.',
        )}
      </p>
      {handOverHref !== undefined && (
        <p>
          <a class="button" href={handOverHref} rel="nofollow">
            {say('Send this to your administrator', 'An Ihren Administrator weitergeben')}
          </a>
        </p>
      )}
      {handOverHref !== undefined && retryHref !== undefined ? (
        <p>
          <a href={retryHref}>
            {say('Try again with a different sign-in', 'Mit einer anderen Anmeldung versuchen')}
          </a>
        </p>
      ) : (
        <Retry href={retryHref} language={language} />
      )}
    </>
  );
}

function Installed({ account, ...reader }: Reader & { readonly account: AccountLabel }) {
  const { integratorName: name, language } = reader;
  const say = speak(language);
  const integrator = <Integrator name={name} language={language} />;
  const atTheBeginning = <Integrator name={name} language={language} begins />;
  const toIntegrator = <Integrator name={name} language={language} dative />;
  return (
    <>
      <Account {...reader} account={account} label={say('Klaviyo account', 'Klaviyo-Konto')} />
      <p>
        {say(
          <>
            {atTheBeginning} doesn’t know yet which of its customers this account belongs to.
            Nothing is read or sent until it does.
          </>,
          <>
            {atTheBeginning} weiß noch nicht, zu welchem Kunden dieses Konto gehört. Bis dahin wird
            nichts gelesen oder gesendet.
          </>,
        )}
      </p>
      <p>
        {say(
          <>
            Sign in to {integrator} to finish connecting, or tell your usual contact there that
            you’ve installed the app.
          </>,
          <>
            Melden Sie sich bei {toIntegrator} an, um die Verbindung abzuschließen, oder sagen Sie
            Ihrer Ansprechperson dort, dass Sie die App installiert haben.
          </>,
        )}
      </p>
    </>
  );
}

type LinkKind = Extract<ConnectOutcome['kind'], `link_${string}`>;

/** Why a link no longer opens, and whom to ask for another. */
function LinkText({ integratorName: name, language, kind }: Reader & { readonly kind: LinkKind }) {
  const say = speak(language);
  const integrator = <Integrator name={name} language={language} />;
  const atTheBeginning = <Integrator name={name} language={language} begins />;
  switch (kind) {
    case 'link_invalid':
      return (
        <>
          <p>
            {say(
              'Please check that you copied the whole link. Email programs sometimes break long links.',
              'Bitte prüfen Sie, ob Sie den ganzen Link kopiert haben. E-Mail-Programme trennen lange Links manchmal.',
            )}
          </p>
          <p>
            {say(
              <>If it still doesn’t work, ask {integrator} for a new one.</>,
              <>Geht es dann noch nicht, bitten Sie {integrator} um einen neuen.</>,
            )}
          </p>
        </>
      );
    case 'link_revoked':
      return (
        <>
          <p>
            {say(
              <>
                {atTheBeginning} has revoked this link, most likely because there is a newer one.
                Nothing has changed.
              </>,
              <>
                {atTheBeginning} hat diesen Link zurückgezogen, wahrscheinlich weil es einen neueren
                gibt. Es hat sich nichts geändert.
              </>,
            )}
          </p>
          <p>
            {say(
              <>Look for a newer email, or ask {integrator} for a new one.</>,
              <>
                Suchen Sie nach einer neueren E-Mail, oder bitten Sie {integrator} um einen neuen.
              </>,
            )}
          </p>
        </>
      );
    case 'link_expired':
      return (
        <>
          <p>
            {say(
              'Links expire after a while, so that nobody can misuse an old email.',
              'Links gelten nur eine Zeit lang, damit niemand eine alte E-Mail missbrauchen kann.',
            )}
          </p>
          <p>
            {say(
              <>Ask {integrator} for a new one. Nothing has changed.</>,
              <>Bitten Sie {integrator} um einen neuen. Es hat sich nichts geändert.</>,
            )}
          </p>
        </>
      );
    default:
      return kind satisfies never;
  }
}

function PermissionMissing({
  integratorName: name,
  language,
  outcome,
}: Reader & { readonly outcome: Extract<ConnectOutcome, { kind: 'permission_missing' }> }) {
  const say = speak(language);
  const atTheBeginning = <Integrator name={name} language={language} begins />;
  return (
    <>
      <p>
        {say(
          <>Nothing has changed. {atTheBeginning} also needs permission to:</>,
          <>Es hat sich nichts geändert. {atTheBeginning} braucht auch diese Berechtigung:</>,
        )}
      </p>
      <ScopeList scopes={outcome.missing} language={language} />
      <p>
        {say(
          'Start again and approve everything on Klaviyo’s list.',
          'Beginnen Sie neu, und stimmen Sie allem auf der Liste von Klaviyo zu.',
        )}
      </p>
      <Retry href={outcome.retryHref} language={language} again="start" />
    </>
  );
}
