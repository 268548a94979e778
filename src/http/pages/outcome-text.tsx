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
          <p>There is nothing left to do. You can close this page.</p>
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
            Nothing was changed. If you are connected already, {integrator} keeps using that
            connection.
          </p>
          <p>If you changed your mind, or declined by mistake, start again.</p>
          <Retry href={outcome.retryHref} />
        </>
      );
    case 'attempt_expired':
      return (
        <>
          <p>
            For your safety, each attempt stays open for a few minutes only and works once. Nothing
            was changed.
          </p>
          <Retry href={outcome.retryHref} label="Start again" />
        </>
      );
    case 'wrong_account':
      return <WrongAccount outcome={outcome} integratorName={integratorName} />;
    case 'permission_missing':
      return (
        <>
          <p>Nothing was changed. {atTheBeginning} also needs to be allowed to:</p>
          <ScopeList scopes={outcome.missing} />
          <p>Start again and approve everything that Klaviyo lists.</p>
          <Retry href={outcome.retryHref} label="Start again" />
        </>
      );
    case 'link_invalid':
      return (
        <>
          <p>Please check that the whole link was copied; mail programs sometimes break it.</p>
          <p>If it still does not work, ask {integrator} for a new one.</p>
        </>
      );
    case 'link_revoked':
      return (
        <>
          <p>
            {atTheBeginning} has withdrawn this link, most likely because there is a newer one.
            Nothing was changed.
          </p>
          <p>Look for a later message, or ask {integrator} for a new one.</p>
        </>
      );
    case 'link_expired':
      return (
        <>
          <p>Links stop working after a while, so that an old message cannot be misused.</p>
          <p>Ask {integrator} for a new one. Nothing was changed.</p>
        </>
      );
    case 'klaviyo_unavailable':
      return (
        <>
          <p>Nothing was changed, and nothing is wrong on your side.</p>
          <p>Please wait a few minutes before you try again.</p>
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
        Thank you. <Integrator name={props.integratorName} begins /> can now work with Klaviyo
        through OAuth.
      </p>
      <Account label="Connected account" account={props.account} />
      <p>
        If you connected with an API key before, please leave that key in Klaviyo for now; you will
        hear when it is no longer needed. You can close this page.
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
      <p>Nothing was changed in your connection: the approval you just gave is not used for it.</p>
      <dl class="facts">
        <dt>Account to choose</dt>
        <dd>
          <AccountFacts account={expected} />
        </dd>
        <dt>Account you chose</dt>
        <dd>
          <AccountFacts account={chosen} />
        </dd>
      </dl>
      <p>Start again and choose the first one when Klaviyo asks.</p>
      <Retry href={retryHref} label="Start again" />
      <p class="muted small">
        If the account really changed, tell <Integrator name={props.integratorName} />. Klaviyo may
        list the app in the other account now; it can be removed there.
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
        <Integrator name={props.integratorName} begins /> does not know yet which of its customers
        this account belongs to. Nothing is sent or read until it does.
      </p>
      <p>
        Sign in at {integrator} and go on there, or write to your usual contact that you have
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
        Nothing was changed. As a rule only owners, admins and managers of a Klaviyo account may
        approve an app; your sign-in seems to have another role there.
      </p>
      <p>Ask one of them to open the link, or sign in at Klaviyo as somebody who may.</p>
      {handOverHref !== undefined && (
        <p>
          <a class="button" href={handOverHref} rel="nofollow">
            Send this to your administrator
          </a>
        </p>
      )}
      {handOverHref !== undefined && retryHref !== undefined ? (
        <p>
          <a href={retryHref}>Try again with another sign-in</a>
        </p>
      ) : (
        <Retry href={retryHref} />
      )}
    </>
  );
}
