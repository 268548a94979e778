import type { Dispatcher } from 'undici';
import { createConsole } from '../../src/console/create-console.tsx';
import { openKeyshift, type OpenKeyshift } from '../../src/core/create-keyshift.ts';
import { readConfig } from '../../src/core/read-config.ts';
import { isKeyshiftError } from '../../src/errors/keyshift-error.ts';
import { createApp } from '../../src/http/create-app.tsx';
import { startServer, type RunningServer } from '../../src/http/start-server.ts';
import type { HttpRequest } from '../../src/runtime/http-client.ts';
import { findFreePort } from '../../src/runtime/free-port.ts';
import { createLogger, type Logger } from '../../src/runtime/logger.ts';
import { randomToken, systemRandom, type Random } from '../../src/runtime/random.ts';
import {
  createSampleSeed,
  startSandbox,
  type Sandbox,
  type SandboxOptions,
  type SandboxSeed,
} from '../../src/sandbox.ts';
import { generateKeyringEntry } from '../../src/vault/keyring.ts';
import { createBrowser, type Browser } from './browser.ts';
import { createShiftedClock, type ShiftedClock } from './shifted-clock.ts';

/** How {@link startFlow} sets things up. */
export interface FlowOptions {
  /** Where Klaviyo sends the browser back to, if not `/auth/callback`. */
  readonly callbackPath?: string;
  /** In memory by default. */
  readonly databaseUrl?: string;
  readonly mode?: 'development' | 'production';
  /** Accounts in the sandbox, each with one private key; 4 by default. */
  readonly customers?: number;
  readonly sandbox?: Pick<SandboxOptions, 'rotation' | 'random'>;
  /** Shortens every deadline of a call to Klaviyo to this many milliseconds. */
  readonly deadlineMs?: number;
  readonly logger?: Logger;
  readonly random?: Random;
  /** Carries every call to Klaviyo. */
  readonly dispatcher?: Dispatcher;
  readonly environment?: Readonly<Record<string, string>>;
  /** What the app may ask for, space separated, and asks for; the sample app's own by default. */
  readonly scopes?: string;
}

/** A real server in front of a real sandbox, all of this test's own. */
export interface FlowFixture extends AsyncDisposable {
  /** Origin of the server. */
  readonly url: string;
  readonly port: number;
  readonly keyshift: OpenKeyshift;
  readonly server: RunningServer;
  readonly sandbox: Sandbox;
  readonly seed: SandboxSeed;
  readonly clock: ShiftedClock;
  readonly secrets: FlowSecrets;
  /** What the server sent to Klaviyo, apart from the streaming proxy, with the deadlines it set. */
  readonly calls: readonly HttpRequest[];
  newBrowser(accept?: string): Browser;
}

/** The operator's secrets, different in each fixture. */
export interface FlowSecrets {
  readonly clientSecret: string;
  readonly sessionSecret: string;
  readonly adminPassword: string;
  readonly serviceToken: string;
  /** In the form of `KEYSHIFT_KEYS`. */
  readonly keys: string;
}

type Opened = (() => Promise<void>)[];

/**
 * Starts a sandbox on port 0 and a Keyshift server on a free port that uses it.
 *
 * @example
 * ```ts
 * await using fixture = await startFlow();
 * const answer = await fixture.newBrowser().signIn(`${fixture.url}/auth/start`);
 * ```
 */
export async function startFlow(options: FlowOptions = {}): Promise<FlowFixture> {
  for (let attempt = 1; ; attempt += 1) {
    const opened: Opened = [];
    try {
      return await compose(await findFreePort(), options, opened);
    } catch (error) {
      await closeAll(opened);
      // Another program can take the port between its choice and its use.
      if (attempt === 5 || !isKeyshiftError(error, 'port_in_use')) throw error;
    }
  }
}

async function compose(port: number, options: FlowOptions, opened: Opened): Promise<FlowFixture> {
  const clock = createShiftedClock();
  const secrets = createSecrets();
  const sample = createSampleSeed({
    customers: options.customers ?? 4,
    app: {
      clientId: 'flow-app',
      clientSecret: secrets.clientSecret,
      redirectUris: [`http://localhost:${port}${options.callbackPath ?? '/auth/callback'}`],
    },
  });
  const scopes = options.scopes?.split(' ');
  const seed = scopes
    ? { ...sample, apps: sample.apps.map((app) => ({ ...app, scopes })) }
    : sample;
  const sandbox = await startSandbox({
    seed,
    clock,
    limits: false,
    ...options.sandbox,
    settings: { consistency: 'immediate' },
  });
  opened.push(sandbox.close);
  const config = readConfig(environmentOf(port, sandbox, secrets, options), {
    generate: () => {
      throw new Error('a flow test sets every secret itself');
    },
  });
  const keyshift = await openKeyshift(config, {
    clock,
    logger: options.logger ?? createLogger({ level: 'silent' }),
    ...(options.random ? { random: options.random } : {}),
    ...(options.dispatcher ? { dispatcher: options.dispatcher } : {}),
  });
  opened.push(keyshift.close);
  const calls = recordCalls(keyshift, options.deadlineMs);
  const server = await startServer(
    keyshift.face,
    createApp(keyshift.face, { console: createConsole }),
  );
  opened.push(server.close);
  return {
    url: server.url,
    port,
    keyshift,
    server,
    sandbox,
    seed,
    clock,
    secrets,
    calls,
    newBrowser: (accept) => createBrowser(clock, accept),
    [Symbol.asyncDispose]: () => closeAll(opened),
  };
}

async function closeAll(opened: Opened): Promise<void> {
  for (const close of opened.splice(0).reverse()) await close();
}

/** Every service holds the same clients, so that its `send` is replaced for all of them here. */
function recordCalls(
  { http, oauthHttp }: OpenKeyshift,
  deadlineMs = Number.POSITIVE_INFINITY,
): HttpRequest[] {
  const calls: HttpRequest[] = [];
  for (const client of [http, oauthHttp]) {
    const original = client.send;
    const send: typeof original = (request) => {
      calls.push(request);
      return original({ ...request, deadlineMs: Math.min(request.deadlineMs, deadlineMs) });
    };
    Object.assign(client, { send });
  }
  return calls;
}

function createSecrets(): FlowSecrets {
  return {
    clientSecret: randomToken(systemRandom, 48),
    sessionSecret: randomToken(systemRandom),
    adminPassword: randomToken(systemRandom),
    serviceToken: randomToken(systemRandom),
    keys: generateKeyringEntry(systemRandom),
  };
}

/** The settings of a Keyshift over this sandbox. */
export function environmentOf(
  port: number,
  sandbox: Sandbox,
  secrets: FlowSecrets,
  options: Pick<FlowOptions, 'databaseUrl' | 'mode' | 'scopes' | 'environment' | 'callbackPath'>,
): Record<string, string> {
  return {
    PORT: String(port),
    KEYSHIFT_MODE: options.mode ?? 'development',
    CLIENT_ID: 'flow-app',
    CLIENT_SECRET: secrets.clientSecret,
    KLAVIYO_AUTHORIZE_URL: sandbox.authorizeUrl,
    KLAVIYO_TOKEN_URL: sandbox.tokenUrl,
    KLAVIYO_REVOKE_URL: sandbox.revokeUrl,
    KLAVIYO_API_URL: sandbox.apiUrl,
    DATABASE_URL: options.databaseUrl ?? 'sqlite::memory:',
    KEYSHIFT_KEYS: secrets.keys,
    SESSION_SECRET: secrets.sessionSecret,
    KEYSHIFT_ADMIN_PASSWORD: secrets.adminPassword,
    KEYSHIFT_SERVICE_TOKENS: `app:${secrets.serviceToken}`,
    SHUTDOWN_DELAY_SEC: '0',
    SHUTDOWN_TIMEOUT_SEC: '0',
    ...(options.scopes === undefined ? {} : { KLAVIYO_SCOPES: options.scopes }),
    ...(options.callbackPath !== undefined && {
      REDIRECT_URI: `http://localhost:${port}${options.callbackPath}`,
    }),
    ...options.environment,
  };
}
