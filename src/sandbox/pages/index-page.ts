import type { Reply } from '../http/reply.ts';
import type { Install } from '../state/records.ts';
import type { SandboxState } from '../state/sandbox-state.ts';
import { markup, pageReply, type Markup } from './page.ts';

const listedRows = 200;

/** `GET /`: what the sandbox holds. Never a key, a token or a client secret. */
export function indexPage(state: SandboxState): Reply {
  const installs = state.installs();
  return pageReply(
    200,
    'Accounts and installs',
    markup`<p class="note">This is a sandbox: a stand-in for Klaviyo's OAuth and API.
<a href="/_sandbox/help">What it can do</a></p>
<h2>Installs (${installs.length})</h2>
${installTable(state, installs.slice(0, listedRows))}
<h2>Accounts (${state.accounts.size})</h2>
${accountTable(state)}`,
  );
}

function installTable(state: SandboxState, installs: readonly Install[]): Markup {
  if (installs.length === 0) return markup`<p>No account has installed an app yet.</p>`;
  const rows = installs.map(({ accountId, clientId, scopes }) => {
    const account = state.accounts.get(accountId)?.name ?? '';
    const app = state.apps.get(clientId)?.name ?? '';
    return markup`<tr><td>${account} <code>${accountId}</code></td><td>${app}</td><td>${scopes.join(' ')}</td></tr>\n`;
  });
  return markup`<table>
<tr><th>Account</th><th>App</th><th>Scopes</th></tr>
${rows}</table>`;
}

function accountTable(state: SandboxState): Markup {
  const accounts = [...state.accounts.values()].slice(0, listedRows);
  const rows = accounts.map(
    ({ id, name }) => markup`<tr><td><code>${id}</code></td><td>${name}</td></tr>\n`,
  );
  return markup`<table>
<tr><th>Id</th><th>Name</th></tr>
${rows}</table>`;
}
