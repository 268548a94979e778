import { cleanText } from './clean-text.ts';
import { Integrator } from './integrator.tsx';
import { Layout, type PageProps } from './layout.tsx';

/** What {@link HandOverPage} shows. */
export interface HandOverPageProps extends PageProps {
  readonly integratorName?: string | undefined;
  /** The link to pass on. */
  readonly link: string;
  readonly backHref: string;
  /** Where the form goes; absent where no mail can be sent. */
  readonly formAction?: string | undefined;
  /** The address that was written to just now. */
  readonly sentTo?: string | undefined;
  /** Why nothing was sent. */
  readonly error?: string | undefined;
}

/** Lets a customer who may not approve at Klaviyo pass the link on to somebody who may. */
export function HandOverPage(props: HandOverPageProps) {
  return (
    <Layout
      stylesheetHref={props.stylesheetHref}
      sandbox={props.sandbox}
      title="Send this to your administrator"
      brand={props.integratorName}
    >
      <h1>Send this to your administrator</h1>
      <p>
        An owner or admin of the Klaviyo account can approve. Send them this link: it is meant for
        your account alone, so pass it to nobody else.
      </p>
      <div class="field">
        <label for="link">The link</label>
        <input id="link" type="text" readonly value={props.link} />
      </div>
      <p>
        <a class="button quiet" href={mailto(props.link)}>
          Write a mail with this link
        </a>
      </p>
      <MailForm {...props} />
      <p>
        <a href={props.backHref}>
          Back to <Integrator name={props.integratorName} />
        </a>
      </p>
    </Layout>
  );
}

function MailForm({ formAction, sentTo, error }: HandOverPageProps) {
  if (formAction === undefined) return null;
  if (sentTo !== undefined) {
    return (
      <p role="status">
        A mail to <strong>{cleanText(sentTo)}</strong> is on its way.
      </p>
    );
  }
  return (
    <section class="card" aria-labelledby="send">
      <h2 id="send">Or let us send it</h2>
      {error !== undefined && (
        <p class="field-error" id="address-error" role="alert">
          {cleanText(error)}
        </p>
      )}
      <form method="post" action={formAction}>
        <div class="field">
          <label for="address">Mail address of the administrator</label>
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
          Send the link
        </button>
      </form>
    </section>
  );
}

function mailto(link: string): string {
  const subject = 'Please confirm our Klaviyo connection';
  const body = `Please open this link and approve. It needs an owner or admin of our Klaviyo account.\n\n${link}\n`;
  return `mailto:?subject=${encodeURIComponent(subject)}&body=${encodeURIComponent(body)}`;
}
