import { createAccountLookup } from '../calls/account-lookup.ts';
import { createApiCaller } from '../calls/api-caller.ts';
import {
  createConnections,
  type ConnectionHandle,
  type ConnectionTarget,
} from '../client/connections.ts';
import { createCredentials, type Credentials } from '../calls/credentials.ts';
import { createAuthorizations, type Authorizations } from '../migration/authorizations.ts';
import { createConsent, type CompleteConsent } from '../migration/consent.ts';
import { createDisconnect, type Disconnect } from '../migration/disconnect.ts';
import { flagLostGrant, unflagRegainedGrant } from '../migration/lost-grant.ts';
import { createOAuthClient, type OAuthClient } from '../oauth/oauth-client.ts';
import { createHttpClient, type HttpClient } from '../runtime/http-client.ts';
import { defaultBudgets, longestOnTheWireMs } from '../tokens/refresh-policy.ts';
import { createSweeper, type Sweeper } from '../tokens/sweeper.ts';
import { createTokenEngine, type TokenEngine } from '../tokens/token-engine.ts';
import type { KeyshiftConfig } from './config.ts';
import { createTraffic, type TrafficParts } from './create-traffic.ts';
import { createJourney, type Journey } from './create-journey.ts';
import { requireClient } from './read-config.ts';
import { openWorkbench, type RuntimeOptions, type Workbench } from './workbench.ts';

/** A whole Keyshift: every service over one store. Whoever creates it closes it. */
export interface Keyshift extends Workbench, Journey {
  /** Calls the OAuth endpoints, over connections of its own. */
  readonly oauthHttp: HttpClient;
  /** What counts and carries calls. */
  readonly traffic: TrafficParts;
  readonly oauth: OAuthClient;
  readonly tokens: TokenEngine;
  readonly credentials: Credentials;
  /** A customer's Klaviyo account, ready to be called. */
  readonly connection: (target: ConnectionTarget) => ConnectionHandle;
  readonly sweeper: Sweeper;
  readonly authorizations: Authorizations;
  readonly completeConsent: CompleteConsent;
  readonly disconnect: Disconnect;
}

/**
 * Creates a Keyshift.
 *
 * @throws KeyshiftError `config_invalid` without an OAuth app, `database_unavailable`,
 * `keyring_mismatch`
 * @example
 * ```ts
 * const keyshift = await createKeyshift(config);
 * const { accessToken } = await keyshift.tokens.liveGrant({ clientId, accountId: 'AbC123' });
 * await keyshift.close();
 * ```
 */
export async function createKeyshift(
  config: KeyshiftConfig,
  runtime: RuntimeOptions = {},
): Promise<Keyshift> {
  const credentials = requireClient(config);
  const { clientId } = credentials;
  const workbench = await openWorkbench(config, runtime);
  const { store, machine, clock, random, logger, http } = workbench;
  const { redirectUri, scope, revision, endpoints } = config;
  // Connections of their own: a token endpoint that hangs must not take those of the API.
  const oauthHttp = createHttpClient(runtime);
  const traffic = createTraffic(workbench);
  const oauth = createOAuthClient({
    clientId,
    clientSecret: credentials.clientSecret,
    previousClientSecret: credentials.previousClientSecret,
    ...endpoints,
    http: oauthHttp,
    clock,
    refreshDeadlineMs: longestOnTheWireMs(defaultBudgets),
  });
  const tokens = createTokenEngine({
    ...{ store, oauth, clock, random, logger },
    onLost: flagLostGrant({ store, machine, clock }),
    onRegained: unflagRegainedGrant({ store, machine }),
  });
  // A person waits in front of a browser: fewer and shorter attempts than for a batch of keys.
  const lookUpAccount = createAccountLookup({
    http,
    clock,
    apiUrl: endpoints.apiUrl,
    revision,
    deadlineMs: 5_000,
    attempts: 3,
    maxPauseSec: 3,
  });
  const shared = { store, tokens, clientId, clock, random };
  const routed = createCredentials({ ...shared, onFallBack: traffic.onFallBack });
  const callApi = createApiCaller({
    dispatcher: http.dispatcherOf(endpoints.apiUrl),
    apiUrl: endpoints.apiUrl,
    revision,
    windows: traffic.windows,
    clock,
    random,
  });
  const journey = createJourney({
    ...{ workbench, tokens, callApi, credentials: routed, clientId, scope },
  });
  const { verify } = journey;
  return {
    ...workbench,
    oauthHttp,
    oauth,
    tokens,
    credentials: routed,
    traffic,
    connection: createConnections({
      ...{ store, credentials: routed, callApi, clock, meter: traffic.meter },
    }),
    sweeper: createSweeper({ store, tokens, clientId, clock, random, logger }),
    authorizations: createAuthorizations({ store, oauth, clock, random, redirectUri, scope }),
    completeConsent: createConsent({
      ...{ store, oauth, machine, lookUpAccount, clock, random, logger, verify },
    }),
    ...journey,
    disconnect: createDisconnect({ store, oauth, machine, clock, random }),
    async close() {
      await tokens.drain();
      await traffic.writeBehind.close();
      await oauthHttp.close();
      await traffic.proxyHttp.close();
      await workbench.close();
    },
  };
}
