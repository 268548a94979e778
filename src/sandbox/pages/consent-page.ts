import { describeScope } from '../../klaviyo/scopes.ts';
import type { Reply } from '../http/reply.ts';
import type { AuthorizationRequest } from '../oauth/authorization-request.ts';
import type { Account } from '../state/records.ts';
import type { SandboxState } from '../state/sandbox-state.ts';
import { markup, pageReply, type Markup } from './page.ts';

/** Accounts the chooser lists at most; the form takes the id of any other too. */
const listedAccounts = 500;

/** The page where a person chooses an account and allows or denies. Works without JavaScript. */
export function consentPage(state: SandboxState, request: AuthorizationRequest): Reply {
  const { app } = request;
  return pageReply(
    200,
    `${app.name} asks for access`,
    markup`<p class="note">This is a sandbox: nothing here reaches Klaviyo, and nobody has to sign in.</p>
<form method="post" action="/oauth/authorize">
${hiddenInputs(request)}
<p><label for="account">Account</label><br>
<select id="account" name="account">
${accountOptions(state)}
</select></p>
<p>${app.name} will be able to:</p>
<ul>
${request.scopes.map((scope) => markup`<li>${describeScope(scope)} <code>${scope}</code></li>\n`)}
</ul>
<p>
<button class="primary" type="submit" name="decision" value="allow">Allow</button>
<button type="submit" name="decision" value="deny">Deny</button>
</p>
</form>`,
  );
}

function hiddenInputs(request: AuthorizationRequest): Markup[] {
  const values = {
    response_type: 'code',
    client_id: request.app.clientId,
    redirect_uri: request.redirectUri,
    scope: request.scopes.join(' '),
    state: request.state,
    code_challenge_method: 'S256',
    code_challenge: request.codeChallenge,
  };
  return Object.entries(values).map(
    ([name, value]) => markup`<input type="hidden" name="${name}" value="${value}">\n`,
  );
}

/** Accounts under the person who can choose them; those of nobody stand last. */
function accountOptions(state: SandboxState): Markup[] {
  if (state.users.length === 0) {
    return firstAccounts(state.accounts.values(), () => true).map(accountOption);
  }
  const owned = new Set(state.users.flatMap(({ accountIds }) => accountIds));
  const groups = state.users.map(({ email, accountIds }) => ({
    label: email,
    accounts: accountIds.flatMap((id) => state.accounts.get(id) ?? []),
  }));
  const others = firstAccounts(state.accounts.values(), ({ id }) => !owned.has(id));
  if (others.length > 0) groups.push({ label: 'Other accounts', accounts: others });
  return groups.map(
    ({ label, accounts }) =>
      markup`<optgroup label="${label}">\n${accounts.map(accountOption)}</optgroup>\n`,
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

function accountOption({ id, name, testAccount }: Account): Markup {
  const note = testAccount ? ', test account' : '';
  return markup`<option value="${id}">${name} (${id})${note}</option>\n`;
}
