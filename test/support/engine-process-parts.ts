import { createApiCaller } from '../../src/calls/api-caller.ts';
import { createConnections, type ConnectionTarget } from '../../src/client/connections.ts';
import type { ConnectionHandle } from '../../src/client/connections.ts';
import { createCredentials } from '../../src/calls/credentials.ts';
import type { RateWindows } from '../../src/calls/rate-windows.ts';
import { createOAuthClient, type OAuthClient } from '../../src/oauth/oauth-client.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { createHttpClient, type HttpClient } from '../../src/runtime/http-client.ts';
import { createLogger, type Logger } from '../../src/runtime/logger.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Grant } from '../../src/model/grant.ts';
import type { Store } from '../../src/store/store.ts';
import type { OnRefreshStep } from '../../src/tokens/refresh-attempt.ts';
import { createTokenEngine, type TokenEngine } from '../../src/tokens/token-engine.ts';
import { createVault } from '../../src/vault/create-vault.ts';
import { parseKeyring } from '../../src/vault/keyring.ts';
import type { EngineSetup } from './engine-process-messages.ts';

/** A token engine with everything above and below it that its tests touch. */
export interface EngineParts extends AsyncDisposable {
  readonly store: Store;
  readonly http: HttpClient;
  readonly oauth: OAuthClient;
  readonly engine: TokenEngine;
  readonly connection: (target: ConnectionTarget) => ConnectionHandle;
  /** How many calls of the token endpoint and of the store of grants have no answer yet. */
  busy(): number;
  /** Grants that this engine found dead. */
  readonly lost: readonly Grant[];
  /** Grants that a save brought back which came after the end of its lease. */
  readonly regained: readonly Grant[];
}

/** What {@link openEngineParts} lets a test decide. */
export interface EnginePartsOptions {
  readonly clock: Clock;
  readonly logger?: Logger;
  readonly onStep?: OnRefreshStep;
  /** Replaces the OAuth client of the setup. */
  readonly oauth?: OAuthClient;
}

/** Klaviyo's windows are the client's subject, not the engine's: here every call has a place. */
const noWindows: RateWindows = {
  take: () => 0,
  blockedMs: () => 0,
  learn: () => undefined,
  block: () => undefined,
};

export const apiRevision = '2026-07-15';

/** Opens a store and an engine over it, as a process of Keyshift would. */
export async function openEngineParts(
  setup: EngineSetup,
  options: EnginePartsOptions,
): Promise<EngineParts> {
  const { clock } = options;
  const random = systemRandom;
  const logger = options.logger ?? createLogger({ level: 'silent' });
  const { clientId, sandboxUrl, databaseUrl, budgets } = setup;
  const vault = createVault(parseKeyring(setup.keys), random);
  const counter = createCounter();
  const opened = await openStore({ databaseUrl, vault, clock, random });
  const store: Store = { ...opened, grants: counter.counted(opened.grants) };
  const http = createHttpClient();
  const oauth = options.oauth ?? createClient(setup, counter.counted(http), clock);
  const lost: Grant[] = [];
  const regained: Grant[] = [];
  const engine = createTokenEngine({
    ...{ store, oauth, clock, random, logger, budgets },
    onLost: async (grant) => void lost.push(grant),
    onRegained: async (grant) => void regained.push(grant),
    ...(options.onStep ? { onStep: options.onStep } : {}),
  });
  const callApi = createApiCaller({
    dispatcher: http.dispatcher,
    ...{ apiUrl: sandboxUrl, revision: apiRevision, windows: noWindows, clock, random },
  });
  const credentials = createCredentials({ store, tokens: engine, clientId, clock, random });
  return {
    ...{ store, http, oauth, engine, lost, regained },
    busy: counter.busy,
    connection: createConnections({ store, credentials, callApi, clock }),
    async [Symbol.asyncDispose]() {
      await engine.drain();
      await store.close();
      await http.close();
    },
  };
}

/** Counts the calls of objects that have begun and not ended. */
function createCounter() {
  let busy = 0;
  return {
    busy: () => busy,
    counted<Target extends object>(target: Target): Target {
      return new Proxy(target, {
        get(from, name) {
          const member: unknown = Reflect.get(from, name);
          if (typeof member !== 'function') return member;
          return (...args: unknown[]) => {
            const result: unknown = Reflect.apply(member, from, args);
            if (!(result instanceof Promise)) return result;
            busy += 1;
            return result.finally(() => (busy -= 1));
          };
        },
      });
    },
  };
}

function createClient(setup: EngineSetup, http: HttpClient, clock: Clock): OAuthClient {
  const { clientId, sandboxUrl, previousClientSecret } = setup;
  return createOAuthClient({
    clientId,
    clientSecret: new Secret('client_secret', setup.clientSecret),
    previousClientSecret:
      previousClientSecret === undefined
        ? undefined
        : new Secret('client_secret', previousClientSecret),
    authorizeUrl: `${sandboxUrl}/oauth/authorize`,
    tokenUrl: `${sandboxUrl}/oauth/token`,
    revokeUrl: `${sandboxUrl}/oauth/revoke`,
    ...{ http, clock },
    // A late answer is still of use: whoever waits for it has given up long before.
    refreshDeadlineMs: 55_000,
  });
}
