import { redirectReply, type Reply } from '../http/reply.ts';
import type { App } from '../state/app.ts';
import type { SandboxState } from '../state/sandbox-state.ts';
import { messagePage } from '../pages/message-page.ts';
import { markup, pageReply, type Markup } from '../pages/page.ts';

/** `GET /marketplace`: the apps that can be installed from Klaviyo's side. */
export function marketplacePage(state: SandboxState): Reply {
  const apps = [...state.apps.values()];
  return pageReply(
    200,
    'Marketplace',
    markup`<p class="note">This is a sandbox: Install opens the installation URL of an app, as Klaviyo's
marketplace does. The app signs the person in and sends them on to authorize.</p>
${apps.map(appCard)}`,
  );
}

function appCard({ clientId, name, installationUrl, unverified }: App): Markup {
  const listed = unverified === true ? 'Unlisted: by a shared link only.' : '';
  const button =
    installationUrl === undefined
      ? markup`<p>No installation URL: give the app one in the seed.</p>`
      : markup`<form method="get" action="/marketplace/install">
<input type="hidden" name="client_id" value="${clientId}">
<button class="primary" type="submit">Install</button>
</form>`;
  return markup`<h2>${name}</h2>\n<p>${listed}</p>\n${button}\n`;
}

/** `GET /marketplace/install?client_id=…`: sends the browser to the app's installation URL. */
export function openInstallation(state: SandboxState, search: string): Reply {
  const app = state.apps.get(new URLSearchParams(search).get('client_id') ?? '');
  if (app?.installationUrl !== undefined) return redirectReply(app.installationUrl);
  return messagePage(
    404,
    'This app cannot be installed from here',
    app ? `The app “${app.name}” has no installation URL.` : 'No app has this client_id.',
  );
}
