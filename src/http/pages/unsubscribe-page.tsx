import { Layout, type PageProps } from './layout.tsx';
import { MessageCard } from './message-card.tsx';

export interface UnsubscribePageProps extends PageProps {
  readonly integratorName?: string | undefined;
  readonly formAction: string;
  /** Whether it has been done. */
  readonly done: boolean;
}

/** Unsubscribes an address. Opening the page does nothing: email scanners open it too. */
export function UnsubscribePage(props: UnsubscribePageProps) {
  const heading = props.done ? 'You’re unsubscribed' : 'Unsubscribe?';
  return (
    <Layout
      stylesheetHref={props.stylesheetHref}
      sandbox={props.sandbox}
      title={heading}
      brand={props.integratorName}
    >
      <MessageCard tone={props.done ? 'good' : 'warn'} heading={heading}>
        {props.done ? (
          <p>
            You won’t get any more emails about the Klaviyo connection. The link we sent you still
            works.
          </p>
        ) : (
          <>
            <p>
              We’ll stop sending emails about the Klaviyo connection to this address. You still have
              to confirm the connection before your API key stops working.
            </p>
            <form method="post" action={props.formAction}>
              <button type="submit" class="button">
                Unsubscribe
              </button>
            </form>
          </>
        )}
      </MessageCard>
    </Layout>
  );
}
