import { cleanText } from './clean-text.ts';
import type { ConnectOutcome } from './connect-outcome.ts';
import { Layout, type PageProps } from './layout.tsx';
import { MessageCard, type MessageTone } from './message-card.tsx';
import { OutcomeText } from './outcome-text.tsx';

export interface ResultPageProps extends PageProps {
  readonly outcome: ConnectOutcome;
  readonly integratorName?: string | undefined;
  /** Named at the foot of a failure, so that support can find it in the log. */
  readonly requestId?: string | undefined;
}

/** The page a customer sees after Klaviyo, or instead of {@link ConnectPage}. */
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
              If you ask for help, mention the request ID <code>{cleanText(props.requestId)}</code>.
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
  wrong_role: { heading: 'Klaviyo didn’t let you approve', tone: 'warn' },
  attempt_expired: { heading: 'Your session timed out', tone: 'warn' },
  wrong_account: { heading: 'That’s a different Klaviyo account', tone: 'warn' },
  permission_missing: { heading: 'A permission is missing', tone: 'warn' },
  link_invalid: { heading: 'This link isn’t valid', tone: 'warn' },
  link_revoked: { heading: 'This link was revoked', tone: 'warn' },
  link_expired: { heading: 'This link has expired', tone: 'warn' },
  klaviyo_unavailable: { heading: 'Klaviyo isn’t responding right now', tone: 'warn' },
} as const satisfies Record<
  ConnectOutcome['kind'],
  { readonly heading: string; readonly tone: MessageTone }
>;
