import type { ErrorEntry } from '../../errors/error-table.ts';
import { scrub } from '../../runtime/scrub.ts';
import { cleanText } from './clean-text.ts';
import { Integrator } from './integrator.tsx';
import { speak } from './language.ts';
import { Layout, type PageProps } from './layout.tsx';
import { MessageCard } from './message-card.tsx';
import { Retry } from './retry.tsx';

/** The fields of a `KeyshiftError`, and who reads the page. */
export interface ErrorPageProps extends PageProps {
  readonly title: string;
  readonly message: string;
  readonly fix: string;
  readonly code: string;
  readonly requestId?: string | undefined;
  readonly retryHref?: string | undefined;
  /** Who can fix the error, as the error table says. */
  readonly audience: ErrorEntry['audience'];
  /**
   * Who looks at the page. A `customer` (default) is shown message and fix only of errors that a
   * customer can fix; `developer`, in development and in the console, always.
   */
  readonly reader?: 'customer' | 'developer';
}

/** One page for every error of the table. Shows no stack and no cause, and scrubs its texts. */
export function ErrorPage(props: ErrorPageProps) {
  const say = speak(props.language);
  const canFix = props.audience === 'customer' || props.reader === 'developer';
  const german = props.reader === 'developer' ? undefined : inGerman[props.code];
  const title = say(
    props.title,
    german?.title ?? (canFix ? props.title : 'Das hat nicht funktioniert'),
  );
  return (
    <Layout {...props} title={title}>
      <MessageCard tone={canFix ? 'warn' : 'bad'} heading={cleanText(title)}>
        {canFix && (props.language !== 'de' || !german) ? (
          <>
            <p>{cleanText(scrub(props.message), 1000)}</p>
            {props.fix !== props.message && <p>{cleanText(scrub(props.fix), 1000)}</p>}
          </>
        ) : canFix ? (
          <p>{german?.fix}</p>
        ) : (
          <>
            <p>
              {say(
                'This isn’t something you can fix, and you did nothing wrong.',
                'Das können Sie nicht selbst beheben, und Sie haben nichts falsch gemacht.',
              )}
            </p>
            <p>
              {say(
                <>
                  If it happens again, tell{' '}
                  {props.integratorName === undefined ? (
                    'the company that sent you here'
                  ) : (
                    <Integrator name={props.integratorName} />
                  )}
                  .
                </>,
                <>
                  Geschieht es noch einmal, geben Sie{' '}
                  <Integrator name={props.integratorName} language="de" dative /> Bescheid.
                </>,
              )}
            </p>
          </>
        )}
        {props.retryHref !== undefined && (
          <Retry href={props.retryHref} language={props.language} />
        )}
        <div class="reference">
          <p>
            {say('Error', 'Fehler')} <code>{cleanText(props.code)}</code>
            {props.requestId !== undefined && (
              <>
                , {say('request', 'Anfrage')} <code>{cleanText(props.requestId)}</code>
              </>
            )}
          </p>
        </div>
      </MessageCard>
    </Layout>
  );
}

const startOver = 'Beginnen Sie noch einmal von vorn.';
const nothingChanged = 'Es hat sich nichts geändert.';

/** The errors that a customer can mend. The rest of the table is for the integrator, in English. */
const inGerman: Readonly<
  Record<string, { readonly title: string; readonly fix: string } | undefined>
> = {
  authorization_failed: {
    title: 'Klaviyo hat die Zustimmung nicht abgeschlossen',
    fix: `${nothingChanged} ${startOver}`,
  },
  state_invalid: {
    title: 'Diese Anmeldung passt nicht zu Ihrem Browser',
    fix: 'Beginnen Sie noch einmal von vorn, im selben Browser.',
  },
  state_expired: {
    title: 'Ihre Sitzung ist abgelaufen',
    fix: 'Beginnen Sie noch einmal, und schließen Sie innerhalb von zehn Minuten ab.',
  },
  state_reused: {
    title: 'Diesen Schritt haben Sie schon erledigt',
    fix: 'Fehlt noch etwas, beginnen Sie neu: Jeder Versuch gilt nur einmal.',
  },
  code_missing: { title: 'Klaviyo hat keinen Code gesendet', fix: startOver },
  exchange_failed: {
    title: 'Der Code von Klaviyo ließ sich nicht einlösen',
    fix: `${startOver} Ein Code gilt fünf Minuten und nur einmal.`,
  },
  account_unverified: {
    title: 'Das Klaviyo-Konto ließ sich nicht feststellen',
    fix: `${nothingChanged} Versuchen Sie es in einer Minute noch einmal.`,
  },
  invitation_invalid: {
    title: 'Dieser Link ist ungültig',
    fix: 'Prüfen Sie, ob Sie den ganzen Link kopiert haben, oder bitten Sie um einen neuen.',
  },
  invitation_revoked: {
    title: 'Dieser Link wurde zurückgezogen',
    fix: 'Suchen Sie nach einer neueren E-Mail, oder bitten Sie um einen neuen Link.',
  },
  invitation_expired: {
    title: 'Dieser Link ist abgelaufen',
    fix: 'Bitten Sie um einen neuen Link.',
  },
};
