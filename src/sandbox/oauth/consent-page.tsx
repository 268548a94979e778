import { describeScope } from '../../klaviyo/scopes.ts';
import type { SandboxCall } from '../http/sandbox-env.ts';
import { answerPage } from '../pages/layout.tsx';
import type { Account, User } from '../state/account.ts';
import type { SandboxState } from '../state/sandbox-state.ts';
import type { AuthorizationRequest } from './authorization-request.ts';

/** Accounts the chooser lists at most; the form takes the id of any other too. */
const listedAccounts = 500;

/** The page where a person chooses an account and allows or denies. Works without JavaScript. */
export function consentPage(
  c: SandboxCall,
  state: SandboxState,
  request: AuthorizationRequest,
): Response | Promise<Response> {
  const { app, scopes } = request;
  const body = (
    <>
      <p class="note">
        This is a sandbox: nothing here reaches Klaviyo, and nobody has to sign in.
      </p>
      {app.unverified === true && <UnverifiedWarning name={app.name} />}
      <form method="post" action="/oauth/authorize">
        <HiddenInputs request={request} />
        <p>
          <label for="account">Account</label>
          <br />
          <select id="account" name="account">
            <AccountOptions state={state} />
          </select>
        </p>
        <p>{app.name} will be able to:</p>
        <ul>
          {scopes.map((scope) => (
            <li>
              {describeScope(scope)} <code>{scope}</code>
            </li>
          ))}
        </ul>
        <p>
          <button class="primary" type="submit" name="decision" value="allow">
            Allow
          </button>
          <button type="submit" name="decision" value="deny">
            Deny
          </button>
        </p>
        <p>
          <button class="quiet" type="submit" name="decision" value="allow_expired">
            Allow, but return too late
          </button>
        </p>
      </form>
    </>
  );
  return answerPage(c, { title: `${app.name} asks for access`, body });
}

function UnverifiedWarning({ name }: { readonly name: string }) {
  return (
    <p class="warning" role="alert">
      <strong>Unverified app.</strong> Klaviyo has not reviewed {name}. Continue only if you trust
      whoever sent you here.
    </p>
  );
}

function HiddenInputs({ request }: { readonly request: AuthorizationRequest }) {
  const values = {
    response_type: 'code',
    client_id: request.app.clientId,
    redirect_uri: request.redirectUri,
    scope: request.scopes.join(' '),
    state: request.state,
    code_challenge_method: 'S256',
    code_challenge: request.codeChallenge,
  };
  return (
    <>
      {Object.entries(values).map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
    </>
  );
}

/** Accounts under the person who can choose them; those of nobody stand last. */
function AccountOptions({ state }: { readonly state: SandboxState }) {
  const { accounts, users } = state;
  const owned = new Set(users.flatMap(({ accountIds }) => accountIds));
  const others = firstAccounts(accounts.values(), ({ id }) => !owned.has(id));
  const otherOptions = others.map((account) => <AccountOption account={account} />);
  if (users.length === 0) return <>{otherOptions}</>;
  return (
    <>
      {users.map((user) => {
        const role = user.role === undefined ? '' : `, ${user.role.replace('_', ' ')}`;
        return (
          <optgroup label={user.email + role}>
            {user.accountIds
              .flatMap((id) => accounts.get(id) ?? [])
              .map((account) => (
                <AccountOption account={account} user={user} />
              ))}
          </optgroup>
        );
      })}
      {others.length > 0 && <optgroup label="Other accounts">{otherOptions}</optgroup>}
    </>
  );
}

function firstAccounts(
  accounts: Iterable<Account>,
  isWanted: (account: Account) => boolean,
): Account[] {
  const listed: Account[] = [];
  for (const account of accounts) {
    if (listed.length === listedAccounts) break;
    if (isWanted(account)) listed.push(account);
  }
  return listed;
}

/** The value names the person too, whose role decides whether the answer counts. */
function AccountOption({
  account: { id, name, testAccount },
  user,
}: {
  readonly account: Account;
  readonly user?: User;
}) {
  return (
    <option value={user ? `${id} ${user.email}` : id}>
      {`${name} (${id})${testAccount ? ', test account' : ''}`}
    </option>
  );
}
