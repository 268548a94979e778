import type { SandboxContext } from '../context/sandbox-context.ts';
import type { SandboxControl } from '../control/sandbox-control.ts';
import { keyIdOf } from '../ids.ts';
import type { Account } from '../state/account.ts';
import type { ApiKey } from '../state/api-key.ts';
import type { Install } from '../state/install.ts';
import { Action, actions, ChoiceField, Table, TextField } from './form.tsx';

/** What the page is made from. */
export interface ControlPage {
  readonly context: SandboxContext;
  readonly control: SandboxControl;
}

const shownRows = 100;

/** The installs with their tokens, and a form for another one. */
export function InstallsSection({ context, control }: ControlPage) {
  const installs = context.state.installs();
  const back = '/#installs';
  const clientIds = control.apps().map(({ clientId }) => clientId);
  return (
    <>
      <h2 id="installs">Installs ({installs.length})</h2>
      <div class="actions">
        {installs.length > 0 && (
          <>
            <Action path="/tokens/expire" label="Expire all access tokens" back={back} />
            <Action path="/tokens/invalidate" label="Invalidate all" back={back} />
          </>
        )}
        <Action path="/install" label="Install" back={back}>
          <TextField label="Account ID" name="accountId" />
          <ChoiceField label="App" name="clientId" options={clientIds} />
        </Action>
      </div>
      {installs.length === 0 ? (
        <p>No account has installed an app yet.</p>
      ) : (
        <InstallTable context={context} installs={installs} />
      )}
    </>
  );
}

function InstallTable({
  context,
  installs,
}: {
  readonly context: SandboxContext;
  readonly installs: readonly Install[];
}) {
  const nowMs = context.clock.now();
  const idleMs = context.settings.refreshTokenIdleDays * 86_400_000;
  const rows = installs.slice(0, shownRows).map((install) => {
    const { accountId, clientId, accessTokens, refreshTokens } = install;
    const live = accessTokens.filter(({ expiresAtMs }) => expiresAtMs > nowMs);
    const lastEndMs = Math.max(0, ...live.map(({ expiresAtMs }) => expiresAtMs));
    const usable = refreshTokens.filter(
      ({ status, lastUsedMs }) => status !== 'replaced' && lastUsedMs + idleMs > nowMs,
    );
    return [
      <>
        {context.state.accounts.get(accountId)?.name} <code>{accountId}</code>
      </>,
      context.state.apps.get(clientId)?.name ?? clientId,
      install.scopes.join(' '),
      live.length === 0
        ? 'none'
        : `${live.length}, ${Math.ceil((lastEndMs - nowMs) / 1_000)} s left`,
      usable.length,
      <InstallActions install={install} />,
    ];
  });
  const head = ['Account', 'App', 'Scopes', 'Live access tokens', 'Live refresh tokens', actions];
  return (
    <>
      <Table name="Installs" head={head} rows={rows} />
      <More count={installs.length} />
    </>
  );
}

function InstallActions({ install: { accountId, clientId } }: { readonly install: Install }) {
  const common = { back: '/#installs', describedAs: `of ${accountId}` };
  return (
    <div class="actions">
      <Action {...common} path="/uninstall" label="Uninstall" fields={{ accountId, clientId }} />
      <Action {...common} path="/tokens/expire" label="Expire" fields={{ accountId }} />
      <Action {...common} path="/tokens/invalidate" label="Invalidate" fields={{ accountId }} />
    </div>
  );
}

/** The accounts with their private keys, those that fit a query where there is one. */
export function AccountsSection({
  context: { state },
  query,
}: {
  readonly context: SandboxContext;
  readonly query: string;
}) {
  const wanted = query.toLowerCase();
  const found: Account[] = [];
  let count = 0;
  for (const account of state.accounts.values()) {
    const { id, name, email } = account;
    if (!`${id} ${name} ${email}`.toLowerCase().includes(wanted)) continue;
    count++;
    if (found.length < shownRows) found.push(account);
  }
  const keys = keysOf(state.keys.values(), found);
  const rows = found.map(({ id, name, email, testAccount }) => [
    <code>{id}</code>,
    testAccount ? `${name} (test account)` : name,
    email,
    (keys.get(id) ?? []).map((key) => <KeyCell apiKey={key} query={query} />),
  ]);
  return (
    <>
      <h2 id="accounts">Accounts ({state.accounts.size})</h2>
      <form class="action" method="get" action="/#accounts">
        <TextField label="ID, name or email" name="q" value={query} />
        <button type="submit">Find</button>
      </form>
      <Table name="Accounts" head={['ID', 'Name', 'Email', 'Private keys']} rows={rows} />
      <More count={count} />
    </>
  );
}

function keysOf(keys: Iterable<ApiKey>, accounts: readonly Account[]): Map<string, ApiKey[]> {
  const byAccount = new Map<string, ApiKey[]>(accounts.map(({ id }) => [id, []]));
  for (const key of keys) byAccount.get(key.accountId)?.push(key);
  return byAccount;
}

function KeyCell({
  apiKey: { key, name, scopes, status },
  query,
}: {
  readonly apiKey: ApiKey;
  readonly query: string;
}) {
  const access = typeof scopes === 'string' ? scopes : `${scopes.length} scopes`;
  const isActive = status === 'active';
  return (
    <div class="actions">
      <span>
        <code>pk_****{key.slice(-4)}</code> {name}, {access}
        {!isActive && ', disabled'}
      </span>
      <Action
        path="/keys/status"
        label={isActive ? 'Disable' : 'Enable'}
        describedAs={`the key ending in ${key.slice(-4)}`}
        fields={{ key: keyIdOf(key), status: isActive ? 'disabled' : 'active' }}
        back={query === '' ? '/#accounts' : `/?q=${encodeURIComponent(query)}#accounts`}
      />
    </div>
  );
}

function More({ count }: { readonly count: number }) {
  if (count <= shownRows) return <></>;
  return (
    <p>
      The first {shownRows} of {count}; <code>GET /_sandbox/accounts</code> lists all.
    </p>
  );
}
