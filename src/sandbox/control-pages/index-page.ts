import type { Reply } from '../http/reply.ts';
import { markup, pageReply, type Markup } from '../pages/page.ts';
import { accountsSection, installsSection } from './accounts-section.ts';
import type { ControlPage } from './control-page.ts';
import { faultsSection, scenariosSection } from './faults-section.ts';
import { actionForm, actions, table, textField } from './form.ts';

const shownRequests = 50;
const dayMs = 86_400_000;

/**
 * `GET /`: what the sandbox holds, with buttons for what can be done to it. Never a token, a client
 * secret or a whole key. `?q=` finds accounts.
 */
export function indexPage(page: ControlPage, search: string): Reply {
  const query = new URLSearchParams(search).get('q') ?? '';
  const { requests, refreshes, exchanges, faults } = page.control.statistics();
  return pageReply(
    200,
    'Klaviyo sandbox',
    markup`<p class="note">A stand-in for Klaviyo at <code>${page.context.origin}</code>: nothing here reaches Klaviyo.
<a href="/_sandbox/help">What it can do</a> · <a href="/_sandbox/forms">All controls</a> · <a href="/marketplace">Marketplace</a></p>
<p>${requests} requests, ${refreshes} refreshes, ${exchanges} codes exchanged, ${faults} faults applied.</p>
${clockSection(page)}
${installsSection(page)}
${scenariosSection(page)}
${faultsSection(page)}
${accountsSection(page, query)}
${appsSection(page)}
${requestsSection(page)}
<h2 id="start-again">Start again</h2>
<div class="actions">${actionForm({ path: '/reset', label: 'Reset to the seed', back: '/' })}</div>`,
    { wide: true },
  );
}

function clockSection({ control }: ControlPage): Markup {
  const { nowMs, frozen, aheadMs } = control.clock();
  const back = '/#clock';
  const ahead = Math.round(aheadMs / 1_000);
  const state = `${frozen ? ', frozen' : ''}${ahead === 0 ? '' : `, ${ahead} s from the machine’s`}`;
  const advance = (label: string, ms: number) =>
    actionForm({ path: '/clock/advance', label, fields: { ms: String(ms) }, back });
  return markup`<h2 id="clock">Clock</h2>
<p><time>${new Date(nowMs).toISOString()}</time>${state}</p>
<div class="actions">
${advance('+1 minute', 60_000)}${advance('+1 hour', 3_600_000)}${advance('+1 day', dayMs)}${advance('+91 days', 91 * dayMs)}
${actionForm({ path: '/clock/advance', label: 'Advance', inputs: textField('Milliseconds', 'ms', { type: 'number' }), back })}
${frozen ? actionForm({ path: '/clock/resume', label: 'Run', back }) : actionForm({ path: '/clock/freeze', label: 'Freeze', back })}
${actionForm({ path: '/clock/resume', label: 'Back to real time', fields: { from: 'real-time' }, back })}
</div>`;
}

function appsSection({ control }: ControlPage): Markup {
  const rows = control.apps().map(({ clientId, name, redirectUris, scopes }) => [
    name,
    markup`<code>${clientId}</code>`,
    redirectUris.join(' '),
    scopes.join(' '),
    actionForm({
      path: '/apps/secret',
      label: 'New secret',
      describedAs: `for ${name}`,
      fields: { clientId },
      back: '/#apps',
    }),
  ]);
  return markup`<h2 id="apps">Apps</h2>
${table('Apps', ['Name', 'Client id', 'Redirect URIs', 'Scopes', actions], rows)}`;
}

function requestsSection({ control }: ControlPage): Markup {
  const rows = control
    .requests()
    .slice(-shownRequests)
    .reverse()
    .map((request) => [
      new Date(request.atMs).toISOString().slice(11, 23),
      request.method,
      markup`<code>${request.path}</code>`,
      request.operation ?? '',
      request.accountId ?? '',
      request.credential === 'none' ? '' : request.credential,
      request.status === 0 ? 'none' : request.status,
      request.fault ?? '',
    ]);
  if (rows.length === 0) {
    return markup`<h2 id="requests">Last requests</h2>\n<p>Nobody has called yet.</p>`;
  }
  const head = ['Time', 'Method', 'Path', 'Operation', 'Account', 'By', 'Status', 'Fault'];
  return markup`<h2 id="requests">Last requests</h2>
<div class="actions">${actionForm({ path: '/requests/clear', label: 'Forget them', back: '/#requests' })}</div>
${table('Last requests', head, rows)}`;
}
