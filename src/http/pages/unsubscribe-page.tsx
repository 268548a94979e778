import { Layout, type PageProps } from './layout.tsx';
import { MessageCard } from './message-card.tsx';

/** What {@link UnsubscribePage} shows. */
export interface UnsubscribePageProps extends PageProps {
  readonly integratorName?: string | undefined;
  readonly formAction: string;
  /** Whether it has been done. */
  readonly done: boolean;
}

/** Ends mails to an address. Opening the page does nothing: mail scanners open it, too. */
export function UnsubscribePage(props: UnsubscribePageProps) {
  const heading = props.done ? 'No more mail about this' : 'Stop mails about this?';
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
            You will get no more mail about the Klaviyo connection. The link you were sent goes on
            working.
          </p>
        ) : (
          <>
            <p>
              We will not write to this address about the Klaviyo connection any more. The
              connection itself still has to be confirmed before your private key ends.
            </p>
            <form method="post" action={props.formAction}>
              <button type="submit" class="button">
                Stop these mails
              </button>
            </form>
          </>
        )}
      </MessageCard>
    </Layout>
  );
}
