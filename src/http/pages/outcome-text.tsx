import { AccountFacts, type AccountLabel } from './account-facts.tsx';
import type { ConnectOutcome } from './connect-outcome.ts';
import { Integrator } from './integrator.tsx';
import { Retry } from './retry.tsx';
import { ScopeList } from './scope-list.tsx';

interface OutcomeTextProps {
  readonly outcome: ConnectOutcome;
  readonly integratorName?: string | undefined;
}

/** What an outcome means for the customer, and the next step if there is one. */
export function OutcomeText({ outcome, integratorName }: OutcomeTextProps) {
  const integrator = <Integrator name={integratorName} />;
  const atTheBeginning = <Integrator name={integratorName} begins />;
  switch (outcome.kind) {
    case 'connected':
      return <Connected account={outcome.account} integratorName={integratorName} />;
    case 'already_connected':
      return (
        <>
          {outcome.account && <Account label="Connected account" account={outcome.account} />}
          <p>You’re all set. You can close this page.</p>
        </>
      );
    case 'installed':
      return <Installed account={outcome.account} integratorName={integratorName} />;
    case 'wrong_role':
      return <WrongRole {...outcome} />;
    case 'denied':
      return (
        <>
          <p>
            {' '}
            Nothing has changed. If you’re already connected, {integrator} keeps using that
            connection.{' '}
          </p>
          <p>If you’ve changed your mind, or declined by mistake, start again.</p>
          <Retry href={outcome.retryHref} />
        </>
      );
    case 'attempt_expired':
      return (
        <>
          <p>
            For your security, you have a few minutes to finish, and each attempt works only once.
            Nothing has changed.
          </p>
          <Retry href={outcome.retryHref} label="Start again" />
        </>
      );
    case 'wrong_account':
      return <WrongAccount outcome={outcome} integratorName={integratorName} />;
    case 'permission_missing':
      return (
        <>
          <p>Nothing has changed. {atTheBeginning} also needs permission to:</p>
          <ScopeList scopes={outcome.missing} />
          <p>Start again and approve everything on Klaviyo’s list.</p>
          <Retry href={outcome.retryHref} label="Start again" />
        </>
      );
    case 'link_invalid':
      return (
        <>
          <p>
            Please check that you copied the whole link. Email programs sometimes break long links.
          </p>
          <p>If it still doesn’t work, ask {integrator} for a new one.</p>
        </>
      );
    case 'link_revoked':
      return (
        <>
          <p>
            {atTheBeginning} has revoked this link, most likely because there is a newer one.
            Nothing has changed.
          </p>
          <p>Look for a newer email, or ask {integrator} for a new one.</p>
        </>
      );
    case 'link_expired':
      return (
        <>
          <p>Links expire after a while, so that nobody can misuse an old email.</p>
          <p>Ask {integrator} for a new one. Nothing has changed.</p>
        </>
      );
    case 'klaviyo_unavailable':
      return (
        <>
          <p>Nothing has changed, and there’s nothing wrong on your side.</p>
          <p>Please wait a few minutes, then try again.</p>
          <Retry href={outcome.retryHref} />
        </>
      );
    default:
      return outcome satisfies never;
  }
}

function Account({ label, account }: { readonly label: string; readonly account: AccountLabel }) {
  return (
    <dl class="facts">
      <dt>{label}</dt>
      <dd>
        <AccountFacts account={account} />
      </dd>
    </dl>
  );
}

function Connected(props: {
  readonly account: AccountLabel;
  readonly integratorName?: string | undefined;
}) {
  return (
    <>
      <p>
        Thank you. <Integrator name={props.integratorName} begins /> is now connected to Klaviyo
        over OAuth.
      </p>
      <Account label="Connected account" account={props.account} />
      <p>
        If you used an API key before, please leave it in Klaviyo for now. We’ll tell you when you
        can delete it. You can close this page.
      </p>
    </>
  );
}

function WrongAccount(props: {
  readonly outcome: Extract<ConnectOutcome, { kind: 'wrong_account' }>;
  readonly integratorName?: string | undefined;
}) {
  const { expected, chosen, retryHref } = props.outcome;
  return (
    <>
      <p>Nothing has changed. The approval you just gave isn’t used for your connection.</p>
      <dl class="facts">
        <dt>Expected account</dt>
        <dd>
          <AccountFacts account={expected} />
        </dd>
        <dt>Account you chose</dt>
        <dd>
          <AccountFacts account={chosen} />
        </dd>
      </dl>
      <p>Start again and choose the expected account when Klaviyo asks.</p>
      <Retry href={retryHref} label="Start again" />
      <p class="muted small">
        If you have moved to another account, tell <Integrator name={props.integratorName} />.
        Klaviyo may now list the app in the account you chose; you can remove it there.
      </p>
    </>
  );
}

function Installed(props: {
  readonly account: AccountLabel;
  readonly integratorName?: string | undefined;
}) {
  const { account } = props;
  const integrator = <Integrator name={props.integratorName} />;
  return (
    <>
      <Account label="Klaviyo account" account={account} />
      <p>
        <Integrator name={props.integratorName} begins /> doesn’t know yet which of its customers
        this account belongs to. Nothing is read or sent until it does.
      </p>
      <p>
        Sign in to {integrator} to finish connecting, or tell your usual contact there that you’ve
        installed the app.
      </p>
    </>
  );
}

function WrongRole({
  retryHref,
  handOverHref,
}: Pick<Extract<ConnectOutcome, { kind: 'wrong_role' }>, 'retryHref' | 'handOverHref'>) {
  return (
    <>
      <p>
        Nothing has changed. Usually only owners, admins and managers of a Klaviyo account can
        approve an app, and you seem to have a different role.
      </p>
      <p>Ask one of them to open the link, or sign in to Klaviyo as someone who can approve.</p>
      {handOverHref !== undefined && (
        <p>
          <a class="button" href={handOverHref} rel="nofollow">
            Send this to your administrator
          </a>
        </p>
      )}
      {handOverHref !== undefined && retryHref !== undefined ? (
        <p>
          <a href={retryHref}>Try again with a different sign-in</a>
        </p>
      ) : (
        <Retry href={retryHref} />
      )}
    </>
  );
}
