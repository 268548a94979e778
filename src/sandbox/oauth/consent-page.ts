import { describeScope } from '../../klaviyo/scopes.ts';
import type { Reply } from '../http/reply.ts';
import type { AuthorizationRequest } from './authorization-request.ts';
import type { Account, User } from '../state/account.ts';
import type { App } from '../state/app.ts';
import type { SandboxState } from '../state/sandbox-state.ts';
import { markup, pageReply, type Markup } from '../pages/page.ts';

/** Accounts the chooser lists at most; the form takes the id of any other too. */
const listedAccounts = 500;

/** The page where a person chooses an account and allows or denies. Works without JavaScript. */
export function consentPage(state: SandboxState, request: AuthorizationRequest): Reply {
  const { app } = request;
  return pageReply(
    200,
    `${app.name} asks for access`,
    markup`<p class="note">This is a sandbox: nothing here reaches Klaviyo, and nobody has to sign in.</p>
${app.unverified ? unverifiedWarning(app) : ''}
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
<p><button class="quiet" type="submit" name="decision" value="allow_expired">Allow, but come back too late</button></p>
</form>`,
  );
}

function unverifiedWarning({ name }: App): Markup {
  return markup`<p class="warning" role="alert"><strong>Unverified app.</strong> Klaviyo has not reviewed ${name}. Go on only if you trust whoever sent you here.</p>`;
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
    return firstAccounts(state.accounts.values(), () => true).map((each) => accountOption(each));
  }
  const owned = new Set(state.users.flatMap(({ accountIds }) => accountIds));
  const groups = state.users.map((user) => {
    const accounts = user.accountIds.flatMap((id) => state.accounts.get(id) ?? []);
    const role = user.role === undefined ? '' : `, ${user.role.replace('_', ' ')}`;
    return optionGroup(
      user.email + role,
      accounts.map((account) => accountOption(account, user)),
    );
  });
  const others = firstAccounts(state.accounts.values(), ({ id }) => !owned.has(id));
  const options = others.map((account) => accountOption(account));
  return others.length > 0 ? [...groups, optionGroup('Other accounts', options)] : groups;
}

function optionGroup(label: string, options: readonly Markup[]): Markup {
  return markup`<optgroup label="${label}">\n${options}</optgroup>\n`;
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
function accountOption({ id, name, testAccount }: Account, user?: User): Markup {
  const note = testAccount ? ', test account' : '';
  const value = user ? `${id} ${user.email}` : id;
  return markup`<option value="${value}">${name} (${id})${note}</option>\n`;
}
