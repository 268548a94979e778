import { formOf, type SandboxCall } from '../http/sandbox-env.ts';
import type { SandboxContext } from '../context/sandbox-context.ts';
import type { App } from '../state/app.ts';

/**
 * Finds the app of a request by HTTP Basic. Id and secret are compared as they were sent, without
 * percent-decoding: Klaviyo's own SDK sends them raw, and a client that encodes `-` or `_` is
 * refused here as it would be there. The setting `basicCredentials` makes the sandbox lenient, and
 * with `clientCredentials` the body's `client_id` and `client_secret` do where there is no Basic.
 */
export function authenticateClient(c: SandboxCall, context: SandboxContext): App | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
  const pair = Buffer.from(encoded ?? '', 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  const [id, secret] = [pair.slice(0, Math.max(colon, 0)), pair.slice(colon + 1)];
  const { basicCredentials, clientCredentials } = context.settings;
  if (encoded === undefined && clientCredentials === 'basic_or_body') {
    const form = formOf(c);
    return appOf(context, form.get('client_id') ?? '', form.get('client_secret') ?? '');
  }
  const app = appOf(context, id, secret);
  if (app || basicCredentials === 'raw') return app;
  return appOf(context, decode(id), decode(secret));
}

/** An app by its id and its secret, or one that was replaced and has not died yet. */
function appOf({ state, clock }: SandboxContext, id: string, secret: string): App | undefined {
  const app = state.apps.get(id);
  if (!app || app.clientSecret === secret) return app;
  const nowMs = clock.now();
  const earlier = app.previousSecrets ?? [];
  return earlier.some((each) => each.secret === secret && each.diesAtMs > nowMs) ? app : undefined;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
