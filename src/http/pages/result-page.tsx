import { cleanText } from './clean-text.ts';
import type { ConnectOutcome } from './connect-outcome.ts';
import { Layout, type PageProps } from './layout.tsx';
import { MessageCard, type MessageTone } from './message-card.tsx';
import { OutcomeText } from './outcome-text.tsx';

/** What {@link ResultPage} shows. */
export interface ResultPageProps extends PageProps {
  readonly outcome: ConnectOutcome;
  readonly integratorName?: string | undefined;
  /** Named at the foot of a failure, so that support can find it in the log. */
  readonly requestId?: string | undefined;
}

/** The page a customer sees after Klaviyo, or in place of {@link ConnectPage}. */
export function ResultPage(props: ResultPageProps) {
  const { heading, tone } = headlines[props.outcome.kind];
  return (
    <Layout
      stylesheetHref={props.stylesheetHref}
      sandbox={props.sandbox}
      title={heading}
      brand={props.integratorName}
    >
      <MessageCard tone={tone} heading={heading}>
        <OutcomeText outcome={props.outcome} integratorName={props.integratorName} />
        {props.requestId !== undefined && tone !== 'good' && (
          <div class="reference">
            <p>
              If you ask for help, mention request <code>{cleanText(props.requestId)}</code>.
            </p>
          </div>
        )}
      </MessageCard>
    </Layout>
  );
}

const headlines = {
  connected: { heading: 'Klaviyo is connected', tone: 'good' },
  already_connected: { heading: 'Klaviyo is already connected', tone: 'good' },
  installed: { heading: 'The app is installed', tone: 'good' },
  denied: { heading: 'You declined the connection', tone: 'warn' },
  wrong_role: { heading: 'Klaviyo did not let you approve', tone: 'warn' },
  attempt_expired: { heading: 'This attempt took too long', tone: 'warn' },
  wrong_account: { heading: 'That was another Klaviyo account', tone: 'warn' },
  permission_missing: { heading: 'A permission is missing', tone: 'warn' },
  link_invalid: { heading: 'This link does not work', tone: 'warn' },
  link_revoked: { heading: 'This link was withdrawn', tone: 'warn' },
  link_expired: { heading: 'This link has expired', tone: 'warn' },
  klaviyo_unavailable: { heading: 'Klaviyo is not answering right now', tone: 'warn' },
} as const satisfies Record<
  ConnectOutcome['kind'],
  { readonly heading: string; readonly tone: MessageTone }
>;
