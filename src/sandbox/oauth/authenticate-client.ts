import type { SandboxRequest } from '../http/sandbox-request.ts';
import type { App } from '../state/records.ts';
import type { SandboxState } from '../state/sandbox-state.ts';

/**
 * Finds the app of a request by HTTP Basic. Id and secret are compared as they were sent, without
 * percent-decoding: Klaviyo's own SDK sends them raw, and a client that encodes `-` or `_` is
 * refused here as it would be there.
 */
export function authenticateClient(request: SandboxRequest, state: SandboxState): App | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const pair = Buffer.from(encoded ?? '', 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  const app = state.apps.get(pair.slice(0, Math.max(colon, 0)));
  return app?.clientSecret === pair.slice(colon + 1) ? app : undefined;
}
