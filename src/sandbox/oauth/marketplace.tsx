import { answerRedirect } from '../http/answers.ts';
import { queryOf, type SandboxCall } from '../http/sandbox-env.ts';
import { answerMessage, answerPage } from '../pages/layout.tsx';
import type { App } from '../state/app.ts';
import type { SandboxState } from '../state/sandbox-state.ts';

/** `GET /marketplace`: the apps that can be installed from Klaviyo's side. */
export function showMarketplace(c: SandboxCall, state: SandboxState) {
  const body = (
    <>
      <p class="note">
        This is a sandbox: Install opens the installation URL of an app, as Klaviyo's marketplace
        does. The app signs the person in and sends them on to authorize.
      </p>
      {[...state.apps.values()].map((app) => (
        <AppCard app={app} />
      ))}
    </>
  );
  return answerPage(c, { title: 'Marketplace', body });
}

function AppCard({ app }: { readonly app: App }) {
  return (
    <>
      <h2>{app.name}</h2>
      {app.unverified === true && <p>Unlisted: installed by shared link only.</p>}
      {app.installationUrl === undefined ? (
        <p>No installation URL. Give the app one in the seed.</p>
      ) : (
        <form method="get" action="/marketplace/install">
          <input type="hidden" name="client_id" value={app.clientId} />
          <button class="primary" type="submit">
            Install
          </button>
        </form>
      )}
    </>
  );
}

/** `GET /marketplace/install?client_id=…`: sends the browser to the app's installation URL. */
export function openInstallation(c: SandboxCall, state: SandboxState) {
  const app = state.apps.get(queryOf(c).get('client_id') ?? '');
  if (app?.installationUrl !== undefined) return answerRedirect(c, app.installationUrl);
  return answerMessage(
    c,
    404,
    'This app cannot be installed from here',
    app ? `The app “${app.name}” has no installation URL.` : 'No app has this client_id.',
  );
}
