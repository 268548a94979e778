import type { KlaviyoEndpoints } from '../klaviyo/endpoints.ts';
import { Secret } from '../runtime/secret.ts';
import type { ClientCredentials } from './config.ts';

/** How Keyshift is set up when the built-in sandbox stands in for Klaviyo. */
export interface SandboxProfile {
  readonly port: number;
  readonly client: ClientCredentials;
  readonly scope: string;
  readonly databaseUrl: string;
  readonly endpoints: KlaviyoEndpoints;
}

/**
 * The profile for a server on `port`: the sandbox listens on the next one, so that a command in
 * another terminal finds it without being told. Its app is no secret; its database is its own, so
 * that sample customers never mix with real ones.
 */
export function sandboxProfile(port: number): SandboxProfile {
  const origin = `http://localhost:${port + 1}`;
  return {
    port: port + 1,
    client: {
      clientId: 'keyshift-sandbox-app',
      clientSecret: new Secret('client_secret', 'keyshift-sandbox-app-password'),
      previousClientSecret: undefined,
    },
    scope: 'accounts:read profiles:read metrics:read events:read events:write',
    databaseUrl: 'sqlite:./data/sandbox.db',
    endpoints: {
      authorizeUrl: `${origin}/oauth/authorize`,
      tokenUrl: `${origin}/oauth/token`,
      revokeUrl: `${origin}/oauth/revoke`,
      apiUrl: origin,
    },
  };
}
