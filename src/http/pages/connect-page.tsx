import { AccountFacts } from './account-facts.tsx';
import { cleanText } from './clean-text.ts';
import { Integrator } from './integrator.tsx';
import { Layout, type PageProps } from './layout.tsx';
import { Name } from './name.tsx';
import { ScopeList } from './scope-list.tsx';

/** What {@link ConnectPage} shows. */
export interface ConnectPageProps extends PageProps {
  /** The company that asks for the connection. */
  readonly integratorName?: string | undefined;
  /** The customer who was invited. */
  readonly customerName?: string | undefined;
  /** Name of the Klaviyo account to choose; absent while no check has told it. */
  readonly accountName?: string | undefined;
  /** Its id with characters hidden. */
  readonly maskedAccountId?: string | undefined;
  /** The scopes that are asked for. */
  readonly scopes: readonly string[];
  /** Where the button leads. The route there begins the authorization. */
  readonly startHref: string;
  /** Where the link can be passed on to somebody who may approve. */
  readonly handOverHref?: string | undefined;
  /** Until when the link works, as text: "3 March 2027". */
  readonly expiresAt?: string | undefined;
}

/**
 * The page behind an invitation: says who asks for what and why, which account to choose, and
 * leads to Klaviyo with one button that works without JavaScript.
 */
export function ConnectPage(props: ConnectPageProps) {
  const integrator = <Integrator name={props.integratorName} />;
  return (
    <Layout
      stylesheetHref={props.stylesheetHref}
      sandbox={props.sandbox}
      title={titleOf(props.integratorName)}
      brand={props.integratorName}
    >
      <h1>
        Confirm your Klaviyo connection
        {props.integratorName !== undefined && <> with {integrator}</>}
      </h1>
      {props.customerName !== undefined && (
        <p class="lead">
          You are invited to confirm the Klaviyo connection of <Name value={props.customerName} />.
        </p>
      )}
      <p>
        Klaviyo asks integrations to connect by OAuth in place of private API keys. You sign in at
        Klaviyo, see what is allowed, and can take it back there at any time.
      </p>
      <p>
        Nothing stops working meanwhile. Until you have confirmed, {integrator} keeps using the
        connection you have today.
      </p>
      <AccountCard {...props} />
      <h2>What you allow</h2>
      <p>With your approval, {integrator} will be able to:</p>
      <ScopeList scopes={props.scopes} />
      <NextSteps {...props} />
    </Layout>
  );
}

function titleOf(integratorName: string | undefined): string {
  return integratorName === undefined
    ? 'Confirm your Klaviyo connection'
    : `Confirm your Klaviyo connection with ${cleanText(integratorName)}`;
}

function AccountCard(props: ConnectPageProps) {
  const isKnown = props.accountName !== undefined || props.maskedAccountId !== undefined;
  return (
    <section class="card" aria-labelledby="account">
      <h2 id="account">{isKnown ? 'Choose this account at Klaviyo' : 'Choose your account'}</h2>
      {isKnown ? (
        <dl class="facts">
          <dt>Klaviyo account</dt>
          <dd class="big">
            <AccountFacts account={{ name: props.accountName, maskedId: props.maskedAccountId }} />
          </dd>
        </dl>
      ) : (
        <p>
          Choose the Klaviyo account that you use with <Integrator name={props.integratorName} />.
        </p>
      )}
      {/* A link, not a form: browsers hold every redirect after a form against form-action, and
          a company's single sign-on may lie on any host. */}
      <p>
        <a class="button" href={props.startHref} rel="nofollow">
          Continue to Klaviyo
        </a>
      </p>
      <p class="muted small">
        Klaviyo shows you everything once more before you approve.
        {isKnown && ' Should you pick another account by mistake, nothing is changed.'}
      </p>
    </section>
  );
}

function NextSteps(props: ConnectPageProps) {
  const integrator = <Integrator name={props.integratorName} />;
  return (
    <>
      <h2>What happens next</h2>
      <ol>
        <li>You sign in at Klaviyo, if you are not signed in already.</li>
        <li>You choose the account and approve the permissions.</li>
        <li>You come back here, and we check that it is the right account. That is all.</li>
      </ol>
      <p>
        If Klaviyo does not let you approve, an owner or admin of the account can.
        {props.handOverHref !== undefined && (
          <>
            {' '}
            <a href={props.handOverHref} rel="nofollow">
              Send this to your administrator
            </a>
            .
          </>
        )}
      </p>
      <h2>How to be sure this is genuine</h2>
      <p>
        This page never asks for a password or an API key.{' '}
        {props.sandbox !== true && (
          <>
            Before you sign in, check that your browser shows an address that begins with{' '}
            <code>https://www.klaviyo.com/</code>.{' '}
          </>
        )}
        In doubt, ask your usual contact at {integrator} whether they sent you this link. Pass it on
        to nobody but an owner or admin of the account.
      </p>
      <h2>If you do not want this</h2>
      <p>
        Close this page, or decline at Klaviyo. Nothing is changed then. Please tell {integrator},
        so that you can find another way before your current connection ends.
      </p>
      {props.expiresAt !== undefined && (
        <p class="reference">
          This link works until {cleanText(props.expiresAt)}. You can open it as often as you need.
        </p>
      )}
    </>
  );
}
