import { AccountFacts } from './account-facts.tsx';
import { cleanText } from './clean-text.ts';
import { Integrator } from './integrator.tsx';
import { Layout, type PageProps } from './layout.tsx';
import { Name } from './name.tsx';
import { ScopeList } from './scope-list.tsx';

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
          You’re invited to confirm the Klaviyo connection of <Name value={props.customerName} />.
        </p>
      )}
      <p>
        Klaviyo now asks apps to connect with OAuth instead of private API keys. You sign in to
        Klaviyo, see exactly what you’re allowing, and can revoke it any time.
      </p>
      <p>
        Everything keeps working in the meantime. Until you confirm, {integrator} keeps using the
        connection you have today.
      </p>
      <AccountCard {...props} />
      <h2>What you’re allowing</h2>
      <p>Once you approve, {integrator} will be able to:</p>
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
      <h2 id="account">{isKnown ? 'Choose this account in Klaviyo' : 'Choose your account'}</h2>
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
        Klaviyo shows you everything again before you approve.
        {isKnown && ' If you pick the wrong account, nothing changes.'}
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
        <li>You sign in to Klaviyo, if you aren’t signed in already.</li>
        <li>You choose the account and approve the permissions.</li>
        <li>You come back here, and we check that it’s the right account. That’s it.</li>
      </ol>
      <p>
        If Klaviyo doesn’t let you approve, an owner, admin or manager of the account can.
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
      <h2>How to tell that this is genuine</h2>
      <p>
        This page never asks for a password or an API key.{' '}
        {props.sandbox !== true && (
          <>
            Before you sign in, check that the address in your browser starts with{' '}
            <code>https://www.klaviyo.com/</code>.{' '}
          </>
        )}
        Not sure? Ask your usual contact at{' '}
        {props.integratorName === undefined ? 'the company' : integrator} whether they sent it.
        Share it only with an owner, admin or manager of the account.
      </p>
      <h2>If you’d rather not</h2>
      <p>
        Close this page, or decline in Klaviyo. Nothing will change. Please tell {integrator}, so
        that you can agree on another way before your current connection ends.
      </p>
      {props.expiresAt !== undefined && (
        <p class="reference">
          This link is valid until {cleanText(props.expiresAt)}. You can open it as many times as
          you like.
        </p>
      )}
    </>
  );
}
