import { cleanText } from './clean-text.ts';
import type { ConnectOutcome } from './connect-outcome.ts';
import { speak } from './language.ts';
import { Layout, type PageProps } from './layout.tsx';
import { MessageCard, type MessageTone } from './message-card.tsx';
import { OutcomeText } from './outcome-text.tsx';

export interface ResultPageProps extends PageProps {
  readonly outcome: ConnectOutcome;
  /** Named at the foot of a failure, so that support can find it in the log. */
  readonly requestId?: string | undefined;
}

/** The page a customer sees after Klaviyo, or instead of {@link ConnectPage}. */
export function ResultPage(props: ResultPageProps) {
  const { tone, ...headings } = headlines[props.outcome.kind];
  const say = speak(props.language);
  const heading = say(headings.en, headings.de);
  return (
    <Layout {...props} title={heading}>
      <MessageCard tone={tone} heading={heading}>
        <OutcomeText
          outcome={props.outcome}
          integratorName={props.integratorName}
          language={props.language}
        />
        {props.requestId !== undefined && tone !== 'good' && (
          <div class="reference">
            <p>
              {say(
                'If you ask for help, mention the request ID',
                'Wenn Sie um Hilfe bitten, nennen Sie die Anfrage-ID',
              )}{' '}
              <code>{cleanText(props.requestId)}</code>.
            </p>
          </div>
        )}
      </MessageCard>
    </Layout>
  );
}

const headlines = {
  connected: { en: 'Klaviyo is connected', de: 'Klaviyo ist verbunden', tone: 'good' },
  already_connected: {
    ...{ en: 'Klaviyo is already connected', de: 'Klaviyo ist bereits verbunden' },
    tone: 'good',
  },
  installed: { en: 'The app is installed', de: 'Die App ist installiert', tone: 'good' },
  denied: {
    ...{ en: 'You declined the connection', de: 'Sie haben die Verbindung abgelehnt' },
    tone: 'warn',
  },
  wrong_role: {
    ...{ en: 'Klaviyo didn’t let you approve', de: 'Klaviyo hat Sie nicht zustimmen lassen' },
    tone: 'warn',
  },
  attempt_expired: {
    ...{ en: 'Your session timed out', de: 'Ihre Sitzung ist abgelaufen' },
    tone: 'warn',
  },
  wrong_account: {
    ...{ en: 'That’s a different Klaviyo account', de: 'Das ist ein anderes Klaviyo-Konto' },
    tone: 'warn',
  },
  permission_missing: {
    ...{ en: 'A permission is missing', de: 'Eine Berechtigung fehlt' },
    tone: 'warn',
  },
  link_invalid: { en: 'This link isn’t valid', de: 'Dieser Link ist ungültig', tone: 'warn' },
  link_revoked: {
    en: 'This link was revoked',
    de: 'Dieser Link wurde zurückgezogen',
    tone: 'warn',
  },
  link_expired: { en: 'This link has expired', de: 'Dieser Link ist abgelaufen', tone: 'warn' },
  klaviyo_unavailable: {
    ...{ en: 'Klaviyo isn’t responding right now', de: 'Klaviyo antwortet gerade nicht' },
    tone: 'warn',
  },
} as const satisfies Record<
  ConnectOutcome['kind'],
  { readonly en: string; readonly de: string; readonly tone: MessageTone }
>;
