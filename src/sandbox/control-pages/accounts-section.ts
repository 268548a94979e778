import type { Account } from '../state/account.ts';
import type { ApiKey } from '../state/api-key.ts';
import type { Install } from '../state/install.ts';
import { keyIdOf } from '../ids.ts';
import { markup, type Markup } from '../pages/page.ts';
import { actionForm, actions, choiceField, table, textField } from './form.ts';
import type { ControlPage } from './control-page.ts';

const shownRows = 100;

/** The installs with their tokens, and a form for another one. */
export function installsSection({ context, control }: ControlPage): Markup {
  const installs = context.state.installs();
  const back = '/#installs';
  const all = [
    actionForm({ path: '/tokens/expire', label: 'Expire all access tokens', back }),
    actionForm({ path: '/tokens/invalidate', label: 'Invalidate all', back }),
  ];
  const install = actionForm({
    path: '/install',
    label: 'Install',
    inputs: [
      textField('Account id', 'accountId'),
      choiceField(
        'App',
        'clientId',
        control.apps().map(({ clientId }) => clientId),
      ),
    ],
    back,
  });
  return markup`<h2 id="installs">Installs (${installs.length})</h2>
<div class="actions">${installs.length > 0 ? all : []}${install}</div>
${installs.length === 0 ? markup`<p>No account has installed an app yet.</p>` : installTable({ context, control }, installs)}`;
}

function installTable({ context }: ControlPage, installs: readonly Install[]): Markup {
  const nowMs = context.clock.now();
  const idleMs = context.settings.refreshTokenIdleDays * 86_400_000;
  const rows = installs.slice(0, shownRows).map((install) => {
    const { accountId, clientId, accessTokens, refreshTokens } = install;
    const account = context.state.accounts.get(accountId)?.name ?? '';
    const live = accessTokens.filter(({ expiresAtMs }) => expiresAtMs > nowMs);
    const lastEndMs = Math.max(0, ...live.map(({ expiresAtMs }) => expiresAtMs));
    const usable = refreshTokens.filter(
      ({ status, lastUsedMs }) => status !== 'replaced' && lastUsedMs + idleMs > nowMs,
    );
    return [
      markup`${account} <code>${accountId}</code>`,
      context.state.apps.get(clientId)?.name ?? clientId,
      install.scopes.join(' '),
      live.length === 0
        ? 'none'
        : `${live.length}, ${Math.ceil((lastEndMs - nowMs) / 1_000)} s left`,
      usable.length,
      markup`<div class="actions">${installActions(install)}</div>`,
    ];
  });
  const head = ['Account', 'App', 'Scopes', 'Access tokens alive', 'Refresh tokens alive', actions];
  return markup`${table('Installs', head, rows)}${more(installs.length)}`;
}

function installActions({ accountId, clientId }: Install): Markup[] {
  const common = { back: '/#installs', describedAs: `of ${accountId}` };
  return [
    actionForm({
      ...common,
      path: '/uninstall',
      label: 'Uninstall',
      fields: { accountId, clientId },
    }),
    actionForm({ ...common, path: '/tokens/expire', label: 'Expire', fields: { accountId } }),
    actionForm({
      ...common,
      path: '/tokens/invalidate',
      label: 'Invalidate',
      fields: { accountId },
    }),
  ];
}

/** The accounts with their private keys, those that fit a query where there is one. */
export function accountsSection({ context }: ControlPage, query: string): Markup {
  const wanted = query.toLowerCase();
  const found: Account[] = [];
  let count = 0;
  for (const account of context.state.accounts.values()) {
    const { id, name, email } = account;
    if (!`${id} ${name} ${email}`.toLowerCase().includes(wanted)) continue;
    count++;
    if (found.length < shownRows) found.push(account);
  }
  const keys = keysOf(context.state.keys.values(), found);
  const rows = found.map(({ id, name, email, testAccount }) => [
    markup`<code>${id}</code>`,
    testAccount ? `${name} (test account)` : name,
    email,
    (keys.get(id) ?? []).map((key) => keyCell(key, query)),
  ]);
  return markup`<h2 id="accounts">Accounts (${context.state.accounts.size})</h2>
<form class="action" method="get" action="/#accounts">${textField('Id, name or e-mail', 'q', { value: query })}<button type="submit">Find</button></form>
${table(
  'Accounts',
  ['Id', 'Name', 'E-mail', 'Private keys'],
  rows.map((row) => row.map((cell) => (Array.isArray(cell) ? markup`${cell}` : cell))),
)}${more(count)}`;
}

function keysOf(keys: Iterable<ApiKey>, accounts: readonly Account[]): Map<string, ApiKey[]> {
  const byAccount = new Map<string, ApiKey[]>(accounts.map(({ id }) => [id, []]));
  for (const key of keys) byAccount.get(key.accountId)?.push(key);
  return byAccount;
}

function keyCell({ key, name, scopes, status }: ApiKey, query: string): Markup {
  const access = typeof scopes === 'string' ? scopes : `${scopes.length} scopes`;
  const to = status === 'active' ? 'disabled' : 'active';
  const button = actionForm({
    path: '/keys/status',
    label: status === 'active' ? 'Disable' : 'Enable',
    describedAs: `the key ending in ${key.slice(-4)}`,
    fields: { key: keyIdOf(key), status: to },
    back: query === '' ? '/#accounts' : `/?q=${encodeURIComponent(query)}#accounts`,
  });
  return markup`<div class="actions"><span><code>pk_****${key.slice(-4)}</code> ${name}, ${access}${status === 'active' ? '' : ', disabled'}</span>${button}</div>`;
}

function more(count: number): Markup {
  return count > shownRows
    ? markup`<p>The first ${shownRows} of ${count}; <code>GET /_sandbox/accounts</code> lists all.</p>`
    : markup``;
}
