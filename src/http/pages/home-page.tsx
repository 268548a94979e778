import { Layout, type PageProps } from './layout.tsx';

export interface HomePageProps extends PageProps {
  /** URL under which this server is reached: `http://localhost:5000`. */
  readonly baseUrl: string;
  /** API revision that the sample call sends, as configured. */
  readonly revision: string;
}

/** The front page in development: whether this is the sandbox, what to open, what to try. */
export function HomePage(props: HomePageProps) {
  const path = new URL(props.baseUrl).pathname.replace(/\/$/, '');
  return (
    <Layout
      stylesheetHref={props.stylesheetHref}
      sandbox={props.sandbox}
      title="Keyshift"
      brand="Keyshift"
      referrer="same-origin"
    >
      <h1>Keyshift is running</h1>
      <p class="lead">
        {props.sandbox === true ? (
          <>
            It uses the built-in sandbox, which comes with sample customers. To use Klaviyo, put{' '}
            <code>CLIENT_ID</code> and <code>CLIENT_SECRET</code> into <code>.env.local</code> and
            start again.
          </>
        ) : (
          <>It uses Klaviyo, with the app from your configuration.</>
        )}
      </p>
      <h2>Open</h2>
      <ul>
        <li>
          <a href={`${path}/auth/start`}>/auth/start</a> starts an authorization and returns tokens
        </li>
        <li>
          <a href={`${path}/console`}>/console</a> shows the progress of every customer; its
          password was printed on the first start, unless you set one
        </li>
        <li>
          <a href={`${path}/healthz`}>/healthz</a> and <a href={`${path}/readyz`}>/readyz</a> say
          whether the server is alive and ready
        </li>
      </ul>
      <h2>Try</h2>
      <p>Get new tokens with the refresh token from an authorization:</p>
      <Command text={refreshCommand(props.baseUrl)} />
      <p>See which account an access token belongs to:</p>
      <Command text={whoamiCommand(props.baseUrl)} />
      <p>Call Klaviyo’s API with a private key you imported; only the host changes:</p>
      <Command text={proxyCommand(props.baseUrl, props.revision)} />
      <p class="muted small">This page is shown only in development.</p>
    </Layout>
  );
}

function Command({ text }: { readonly text: string }) {
  return (
    <pre>
      <code>{text}</code>
    </pre>
  );
}

function refreshCommand(baseUrl: string): string {
  return `curl -X POST ${baseUrl}/auth/refresh -H "Content-Type: application/json" -d '{"refresh_token": "YOUR_REFRESH_TOKEN"}'`;
}

function whoamiCommand(baseUrl: string): string {
  return `curl -X GET ${baseUrl}/whoami -H "Authorization: Bearer YOUR_ACCESS_TOKEN"`;
}

function proxyCommand(baseUrl: string, revision: string): string {
  return `curl ${baseUrl}/api/profiles -H "Authorization: Klaviyo-API-Key YOUR_PRIVATE_KEY" -H "revision: ${revision}"`;
}
