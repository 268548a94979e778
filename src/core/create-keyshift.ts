import { createAccountLookup } from '../calls/account-lookup.ts';
import { createApiCaller } from '../calls/api-caller.ts';
import { createConnections } from '../client/connections.ts';
import { createCredentials, type Credentials } from '../calls/credentials.ts';
import { createAuthorizations, type Authorizations } from '../migration/consent/authorizations.ts';
import { createConsent, type CompleteConsent } from '../migration/consent/consent.ts';
import { tallyConsents, type ConsentTally } from '../migration/consent/consent-tally.ts';
import { createDisconnect, type Disconnect } from '../migration/cutover/disconnect.ts';
import { flagLostGrant, unflagRegainedGrant } from '../migration/consent/lost-grant.ts';
import { createOAuthClient, type OAuthClient } from '../oauth/oauth-client.ts';
import { createExitStack, type ExitStack } from '../runtime/exit-stack.ts';
import { createGuessLimiter, unguessable, type GuessLimiter } from '../runtime/guess-limiter.ts';
import { createHttpClient, type HttpClient } from '../runtime/http-client.ts';
import { createReadOrigin, type ReadOrigin } from '../runtime/request-origin.ts';
import { defaultBudgets, requestTimeoutMs } from '../tokens/refresh-policy.ts';
import { createSweeper, type Sweeper } from '../tokens/sweeper.ts';
import { createTokenEngine, type TokenEngine } from '../tokens/token-engine.ts';
import type { KeyshiftConfig } from './config.ts';
import { createTraffic, type TrafficParts } from './create-traffic.ts';
import { createJourney, type Journey } from './create-journey.ts';
import { createInvitationLinks } from './invitation-links.ts';
import type { Keyshift } from './keyshift.ts';
import { requireClient } from './read-config.ts';
import { createReadiness, type Readiness } from './readiness.ts';
import { runWork, type WorkParts } from './work.ts';
import { openWorkbench, type RuntimeOptions, type Workbench } from './workbench.ts';

/**
 * A whole Keyshift from the inside: every service over one store. CLI, routes and console work with
 * it; applications get its {@link Keyshift}.
 */
export interface KeyshiftParts extends Workbench, Journey, Pick<Keyshift, 'connection' | 'work'> {
  /** Calls the OAuth endpoints, over connections of its own. */
  readonly oauthHttp: HttpClient;
  /** What counts and carries calls. */
  readonly traffic: TrafficParts;
  readonly oauth: OAuthClient;
  readonly tokens: TokenEngine;
  readonly credentials: Credentials;
  readonly sweeper: Sweeper;
  readonly readiness: Readiness;
  readonly authorizations: Authorizations;
  readonly completeConsent: CompleteConsent;
  /** How the consents of this process ended. */
  readonly consents: Pick<ConsentTally, 'counts'>;
  readonly disconnect: Disconnect;
  readonly readOrigin: ReadOrigin;
  /** Counts wrong keys, service tokens and links, wherever they are tried. */
  readonly guesses: GuessLimiter;
}

/** The parts together with what an application holds of them. */
export interface OpenKeyshift extends KeyshiftParts {
  readonly face: Keyshift;
}

/**
 * Creates a Keyshift. Whoever does closes it.
 *
 * @throws KeyshiftError `config_invalid` without an OAuth app, `database_unavailable`,
 * `keyring_mismatch`
 * @example
 * ```ts
 * const keyshift = await createKeyshift(readConfig(process.env));
 * const response = await keyshift.connection({ customerId: 'acme' }).fetch('/api/profiles');
 * await keyshift.close();
 * ```
 */
export async function createKeyshift(
  config: KeyshiftConfig,
  runtime: RuntimeOptions = {},
): Promise<Keyshift> {
  return (await openKeyshift(config, runtime)).face;
}

/** {@link createKeyshift} from the inside. */
export async function openKeyshift(
  config: KeyshiftConfig,
  runtime: RuntimeOptions = {},
): Promise<OpenKeyshift> {
  requireClient(config);
  const exit = createExitStack();
  try {
    const parts = await compose(config, runtime, exit);
    return { ...parts, face: new KeyshiftFace(parts) };
  } catch (error) {
    await exit.close();
    throw error;
  }
}

/**
 * The parts of a Keyshift that an application holds.
 *
 * @throws TypeError for anything that {@link createKeyshift} did not create
 */
export function partsOf(keyshift: Keyshift): KeyshiftParts {
  return KeyshiftFace.partsOf(keyshift);
}

/** Shows an application what it may rely on, and keeps the parts to itself. */
class KeyshiftFace implements Keyshift {
  readonly connection: Keyshift['connection'];
  readonly tokens: Keyshift['tokens'];
  readonly invitations: Keyshift['invitations'];
  readonly work: Keyshift['work'];
  readonly close: Keyshift['close'];
  readonly #parts: KeyshiftParts;

  constructor(parts: KeyshiftParts) {
    const { store, config, tokens, invitations } = parts;
    const { liveGrant, afterUnauthorized } = tokens;
    this.connection = parts.connection;
    this.tokens = { liveGrant, afterUnauthorized };
    this.invitations = createInvitationLinks(store, invitations, config.publicUrl);
    this.work = parts.work;
    this.close = parts.close;
    this.#parts = parts;
  }

  static partsOf(keyshift: Keyshift): KeyshiftParts {
    if (#parts in keyshift) return keyshift.#parts;
    throw new TypeError('This is not what createKeyshift() of the same installation returned.');
  }
}

async function compose(
  config: KeyshiftConfig,
  runtime: RuntimeOptions,
  exit: ExitStack,
): Promise<KeyshiftParts> {
  const app = requireClient(config);
  const { clientId } = app;
  const workbench = await openWorkbench(config, runtime);
  exit.defer(() => workbench.close());
  const { store, machine, clock, random, logger, http } = workbench;
  const { redirectUri, scope, revision, endpoints } = config;
  const traffic = createTraffic(workbench, runtime.dispatcher);
  exit.defer(() => traffic.proxyHttp.close());
  exit.defer(() => traffic.writeBehind.close());
  // Connections of their own: a token endpoint that hangs must not take those of the API.
  const oauthHttp = createHttpClient({ dispatcher: runtime.dispatcher, clock });
  exit.defer(() => oauthHttp.close());
  const oauth = createOAuthClient({
    clientId,
    clientSecret: app.clientSecret,
    previousClientSecret: app.previousClientSecret,
    ...endpoints,
    http: oauthHttp,
    clock,
    refreshDeadlineMs: requestTimeoutMs(defaultBudgets),
  });
  const tokens = createTokenEngine({
    store,
    oauth,
    clock,
    random,
    logger,
    onLost: flagLostGrant({ machine, clock }),
    onRegained: unflagRegainedGrant({ store, machine }),
  });
  exit.defer(() => tokens.drain());
  // A person waits in front of a browser: fewer and shorter attempts than for a batch of keys.
  const lookUpAccount = createAccountLookup({
    http,
    clock,
    random,
    apiUrl: endpoints.apiUrl,
    revision,
    deadlineMs: 5_000,
    attempts: 3,
    maxPauseSec: 3,
  });
  const credentials = createCredentials({
    store,
    tokens,
    clientId,
    clock,
    random,
    onFallBack: traffic.onFallBack,
  });
  const callApi = createApiCaller({
    dispatcher: http.dispatcherOf(endpoints.apiUrl),
    apiUrl: endpoints.apiUrl,
    revision,
    windows: traffic.windows,
    clock,
    random,
  });
  const journey = createJourney({ workbench, tokens, callApi, credentials, clientId, scope });
  const sweeper = createSweeper({ store, tokens, clientId, clock, random, logger });
  const { verify } = journey;
  const consents = tallyConsents(
    createConsent({ store, oauth, machine, lookUpAccount, clock, random, logger, verify }),
    { clock, logger },
  );
  return {
    ...workbench,
    oauthHttp,
    oauth,
    tokens,
    credentials,
    traffic,
    connection: createConnections({ store, credentials, callApi, clock, meter: traffic.meter }),
    sweeper,
    readiness: createReadiness({ store, clock }),
    authorizations: createAuthorizations({
      ...{ store, oauth, clock, random, redirectUri, scope },
      sessionSecret: config.sessionSecret,
    }),
    consents,
    completeConsent: consents.completeConsent,
    ...journey,
    disconnect: createDisconnect({ store, tokens, clientId, machine }),
    readOrigin: createReadOrigin(config.trustedProxies, logger),
    guesses: createGuessLimiter(clock, unguessable),
    work: createWork({ ...workbench, sweeper, watch: journey.watch }, exit),
    close: exit.close,
  };
}

/** Work that ends when its own signal says so, and at the latest when everything is closed. */
function createWork(parts: WorkParts, exit: ExitStack): Keyshift['work'] {
  const closing = new AbortController();
  const running = new Set<Promise<void>>();
  exit.defer(async () => {
    closing.abort();
    await Promise.all(running);
  });
  return (signal) => {
    const ended = signal ? AbortSignal.any([signal, closing.signal]) : closing.signal;
    const work = runWork(parts, ended).finally(() => running.delete(work));
    running.add(work);
    return work;
  };
}
