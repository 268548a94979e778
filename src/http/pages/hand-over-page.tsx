import { cleanText } from './clean-text.ts';
import { Integrator } from './integrator.tsx';
import { Layout, type PageProps } from './layout.tsx';

export interface HandOverPageProps extends PageProps {
  readonly integratorName?: string | undefined;
  /** The link to pass on. */
  readonly link: string;
  readonly backHref: string;
  /** Where the form goes; absent where no email can be sent. */
  readonly formAction?: string | undefined;
  /** The address that an email has just been queued for. */
  readonly sentTo?: string | undefined;
  /** Why nothing was sent. */
  readonly error?: string | undefined;
}

/** Lets a customer who may not approve in Klaviyo pass the link on to somebody who may. */
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
        An owner, admin or manager of the Klaviyo account can approve. Send them this link. It’s
        meant for your account only, so please don’t share it with anyone else.
      </p>
      <div class="field">
        <label for="link">Link</label>
        <input id="link" type="text" readonly value={props.link} />
      </div>
      <p>
        <a class="button quiet" href={mailto(props.link)}>
          Compose an email
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
        We’ve emailed <strong>{cleanText(sentTo)}</strong>.
      </p>
    );
  }
  return (
    <section class="card" aria-labelledby="send">
      <h2 id="send">Or let us email it</h2>
      {error !== undefined && (
        <p class="field-error" id="address-error" role="alert">
          {cleanText(error)}
        </p>
      )}
      <form method="post" action={formAction}>
        <div class="field">
          <label for="address">Administrator’s email address</label>
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
  const body = `Please open this link and approve the connection. It has to be an owner, admin or manager of our Klaviyo account.\n\n${link}\n`;
  return `mailto:?subject=${encodeURIComponent(subject)}&body=${encodeURIComponent(body)}`;
}
