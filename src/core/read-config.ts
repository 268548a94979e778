import { isIP } from 'node:net';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import { klaviyoEndpoints, klaviyoRevision, type KlaviyoEndpoints } from '../klaviyo/endpoints.ts';
import { knownScopes } from '../klaviyo/scopes.ts';
import { isLoopback } from '../runtime/loopback.ts';
import { logLevels } from '../runtime/logger.ts';
import { systemRandom } from '../runtime/random.ts';
import { TrustedProxies } from '../runtime/request-origin.ts';
import { Secret } from '../runtime/secret.ts';
import type { PostgresLimits } from '../store/postgres-backend.ts';
import { parseKeyring } from '../vault/keyring.ts';
import {
  callbackPathOf,
  type ClientCredentials,
  type KeyshiftConfig,
  type Mode,
  type ServiceToken,
  type ShutdownSettings,
} from './config.ts';
import { findSimilar } from './did-you-mean.ts';
import {
  createEnvironmentReader,
  findStrangeNames,
  type Environment,
  type EnvironmentReader,
  type SettingName,
} from './environment-reader.ts';
import { loadGeneratedSecrets, type GeneratedSecrets } from './generated-secrets.ts';
import { readCompany } from './read-company.ts';
import { readOutreach } from './read-outreach.ts';
import { findWeakness, findWeaknessOfKey, isPlaceholder } from './secret-strength.ts';
import { sandboxProfile } from './sandbox-profile.ts';

/** What {@link readConfig} takes besides the environment. */
export interface ReadConfigOptions {
  /**
   * Gives the secrets that development generates and keeps, in the folder `data` by default.
   * Called only when one is needed.
   */
  readonly generate?: () => GeneratedSecrets;
}

/**
 * Reads the configuration from environment variables, as listed in docs/configuration.md. Nothing
 * is guessed: the first wrong value ends it.
 *
 * @throws KeyshiftError `config_invalid` that names the variable, what is wrong and the fix
 * @example
 * ```ts
 * const config = readConfig(process.env);
 * ```
 */
export function readConfig(
  environment: Environment,
  options: ReadConfigOptions = {},
): KeyshiftConfig {
  const generate = options.generate ?? (() => loadGeneratedSecrets('data', systemRandom));
  const read = createEnvironmentReader(environment);
  const warnings = findStrangeNames(environment);
  const host = readHost(read);
  const port = read.integer('PORT', { min: 1, max: 65_534 }) ?? 5000;
  const mode: Mode =
    read.oneOf('KEYSHIFT_MODE', ['development', 'production']) ??
    (isLoopback(host) ? 'development' : 'production');
  const sandbox = mode === 'development' && wantsSandbox(read);
  const profile = sandbox ? sandboxProfile(port) : undefined;
  requireSettings(read, mode);
  const redirectUri = readRedirectUri(read, mode, port);
  const publicUrl = readPublicUrl(read, mode, redirectUri);
  requireOwnCallback(read, { publicUrl, redirectUri });
  if (mode === 'production' && read.text('REDIRECT_URI') === undefined) {
    warnings.push(
      `REDIRECT_URI is not set: customers are sent to ${redirectUri}, their own machine`,
    );
  } else if (mode === 'development' && isLoopback(host)) {
    warnings.push(...findOtherPort(redirectUri, port));
  }
  const outreach = readOutreach(read, mode);
  const company = readCompany(read, mode, outreach.sender);
  if (mode === 'production' && company.name === undefined) {
    warnings.push(
      'COMPANY_NAME is not set, nor a name in MAIL_FROM: customers’ pages do not say who asks',
    );
  }
  const secrets = readSecrets(read, mode, warnings, generate);
  return {
    mode,
    host,
    port,
    publicUrl,
    trustedProxies: readTrustedProxies(read),
    client: profile?.client ?? readClient(read),
    redirectUri,
    scope: readScope(read, warnings) ?? profile?.scope ?? 'accounts:read profiles:read',
    databaseUrl: new Secret(
      'database_url',
      read.text('DATABASE_URL') ?? profile?.databaseUrl ?? 'sqlite:./data/keyshift.db',
    ),
    postgresLimits: readPostgresLimits(read),
    ...secrets,
    endpoints: profile?.endpoints ?? readEndpoints(read, mode),
    revision: readRevision(read) ?? klaviyoRevision,
    outreach,
    company,
    rewriteLinks: read.oneOf('KEYSHIFT_REWRITE_LINKS', ['on', 'off']) !== 'off',
    shutdown: readShutdown(read, mode),
    logLevel: read.oneOf('LOG_LEVEL', logLevels) ?? 'info',
    sandbox,
    warnings,
  };
}

function readHost(read: EnvironmentReader): string {
  const host = read.text('HOST') ?? 'localhost';
  if (isIP(host) > 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(host)) return host;
  throw read.wrong(
    'HOST',
    `is "${host}", which is not a host name or an address`,
    'use localhost, 0.0.0.0, or an address of this machine',
  );
}

/** Without an app and without a word about where Klaviyo is, the built-in sandbox stands in. */
function wantsSandbox(read: EnvironmentReader): boolean {
  return (['CLIENT_ID', 'CLIENT_SECRET', ...endpointNames.keys()] as const).every(
    (name) => read.text(name) === undefined,
  );
}

function readClient(read: EnvironmentReader): ClientCredentials | undefined {
  const clientId = read.text('CLIENT_ID');
  const clientSecret = read.text('CLIENT_SECRET');
  if (clientId === undefined && clientSecret === undefined) return undefined;
  if (clientId === undefined || clientSecret === undefined) {
    const [missing, present] =
      clientId === undefined ? ['CLIENT_ID', 'CLIENT_SECRET'] : ['CLIENT_SECRET', 'CLIENT_ID'];
    throw read.wrong(
      missing,
      `is missing, but ${present} is set`,
      'copy both from the app’s page in Klaviyo (Integrations → Developers → Manage apps)',
    );
  }
  const previous = read.text('CLIENT_SECRET_PREVIOUS');
  return {
    clientId,
    clientSecret: new Secret('client_secret', clientSecret),
    previousClientSecret:
      previous === undefined ? undefined : new Secret('client_secret', previous),
  };
}

function readRedirectUri(read: EnvironmentReader, mode: Mode, port: number): string {
  const value = read.text('REDIRECT_URI') ?? `http://localhost:${port}/auth/callback`;
  const url = read.url('REDIRECT_URI', mode) ?? new URL(value);
  if (url.hash !== '') {
    throw read.wrong('REDIRECT_URI', 'has a fragment (#…)', 'remove the fragment');
  }
  const taken = [...url.searchParams.keys()].find((name) => /^(code|state|error.*)$/.test(name));
  if (taken !== undefined) {
    throw read.wrong('REDIRECT_URI', `has a query with ${taken}, which Klaviyo adds`, 'remove it');
  }
  if (!/^(\/[\w.~!$&'()*+=:@%-]+)+\/?$/.test(url.pathname)) {
    throw read.wrong(
      'REDIRECT_URI',
      'has no path, or one that no cookie can be bound to',
      'use a path such as /auth/callback',
    );
  }
  // Klaviyo compares the string as it is, so it is passed on as it was written.
  return value;
}

/** Paths that answer something else, so that a consent would end there. */
const ownPaths =
  /^\/((api|v1|connect|console|healthz|readyz|metrics|whoami)(\/|$)|auth\/(start|install|refresh|disconnect)$)/;

function requireOwnCallback(
  read: EnvironmentReader,
  config: Pick<KeyshiftConfig, 'publicUrl' | 'redirectUri'>,
): void {
  const path = callbackPathOf(config);
  if (!ownPaths.test(path)) return;
  throw read.wrong(
    'REDIRECT_URI',
    `leads to ${path}, which is another route of Keyshift`,
    'use a path of its own, such as /auth/callback, and add it to the app in Klaviyo',
  );
}

/** A callback on this machine, at a port on which nobody may listen. */
function findOtherPort(redirectUri: string, port: number): string[] {
  const { hostname, port: text, protocol } = new URL(redirectUri);
  const named = text === '' ? (protocol === 'https:' ? 443 : 80) : Number(text);
  if (!isLoopback(hostname) || named === port) return [];
  return [`REDIRECT_URI leads to port ${named} of this machine, and PORT is ${port}`];
}

function readPublicUrl(read: EnvironmentReader, mode: Mode, redirectUri: string): string {
  const callback = new URL(redirectUri);
  const url = read.url('PUBLIC_URL', mode);
  // Keyshift under a path of an application has its callback there too.
  if (!url)
    return callback.origin + (/^(.*)\/auth\/callback\/?$/i.exec(callback.pathname)?.[1] ?? '');
  if (url.search !== '' || url.hash !== '') {
    throw read.wrong(
      'PUBLIC_URL',
      'has a query or a fragment',
      'give the origin, such as https://app.example, with Keyshift’s path after it if there is one',
    );
  }
  if (url.hostname !== callback.hostname) {
    // The cookie that binds an attempt to its browser is set on one host and read on the other.
    throw read.wrong(
      'PUBLIC_URL',
      `has a different host from REDIRECT_URI (${callback.hostname})`,
      'use the same host for both',
    );
  }
  return url.origin + url.pathname.replace(/\/+$/, '');
}

function readTrustedProxies(read: EnvironmentReader): TrustedProxies {
  const proxies = new TrustedProxies();
  for (const entry of (read.text('TRUSTED_PROXIES') ?? '').split(/[\s,]+/).filter(Boolean)) {
    const problem = proxies.add(entry);
    if (problem === undefined) continue;
    throw read.wrong(
      'TRUSTED_PROXIES',
      `contains "${entry}", ${problem}`,
      'list the addresses or networks of your proxies, as in "10.0.0.5, 2001:db8::/64"',
    );
  }
  return proxies;
}

function readScope(read: EnvironmentReader, warnings: string[]): string | undefined {
  const value = read.text('KLAVIYO_SCOPES');
  if (value === undefined) return undefined;
  const scopes = [...new Set(value.split(/\s+/))];
  for (const scope of scopes) {
    if (knownScopes.has(scope)) continue;
    const meant = findSimilar(scope, knownScopes);
    if (meant !== undefined) {
      throw read.wrong('KLAVIYO_SCOPES', `contains "${scope}"`, `did you mean "${meant}"?`);
    }
    if (!/^[a-z][a-z-]*:[a-z]+$/.test(scope)) {
      throw read.wrong(
        'KLAVIYO_SCOPES',
        `contains "${scope}", which is not a scope`,
        'write scopes as "accounts:read profiles:read", separated by spaces',
      );
    }
    warnings.push(
      `KLAVIYO_SCOPES contains "${scope}", which Keyshift does not know: if Klaviyo does not either, no customer can connect`,
    );
  }
  if (scopes.includes('accounts:read')) return scopes.join(' ');
  throw read.wrong(
    'KLAVIYO_SCOPES',
    'lacks accounts:read, without which nobody learns which account has consented',
    'add accounts:read, here and to the app in Klaviyo',
  );
}

function readRevision(read: EnvironmentReader): string | undefined {
  const value = read.text('KLAVIYO_REVISION');
  if (value === undefined || /^\d{4}-\d{2}-\d{2}(\.pre)?$/.test(value)) return value;
  throw read.wrong(
    'KLAVIYO_REVISION',
    `is "${value}"`,
    'write it as YYYY-MM-DD, for example 2026-07-15',
  );
}

const endpointNames = new Map([
  ['KLAVIYO_AUTHORIZE_URL', 'authorizeUrl'],
  ['KLAVIYO_TOKEN_URL', 'tokenUrl'],
  ['KLAVIYO_REVOKE_URL', 'revokeUrl'],
  ['KLAVIYO_API_URL', 'apiUrl'],
] as const satisfies [SettingName, keyof KlaviyoEndpoints][]);

function readEndpoints(read: EnvironmentReader, mode: Mode): KlaviyoEndpoints {
  const endpoints: Record<keyof KlaviyoEndpoints, string> = { ...klaviyoEndpoints };
  for (const [name, field] of endpointNames) {
    const url = read.url(name, mode);
    if (url) endpoints[field] = field === 'apiUrl' ? url.origin : url.href;
  }
  return endpoints;
}

function readPostgresLimits(read: EnvironmentReader): Partial<PostgresLimits> {
  const seconds = { min: 1, max: 600 };
  const maxConnections = read.integer('DATABASE_POOL_SIZE', { min: 1, max: 1_000 });
  const connectSec = read.integer('DATABASE_CONNECT_TIMEOUT_SEC', seconds);
  const statementSec = read.integer('DATABASE_TIMEOUT_SEC', seconds);
  return {
    ...(maxConnections === undefined ? {} : { maxConnections }),
    ...(connectSec === undefined ? {} : { connectTimeoutMs: connectSec * 1_000 }),
    ...(statementSec === undefined ? {} : { statementTimeoutMs: statementSec * 1_000 }),
  };
}

/** In development nobody stands in front of the server, and Ctrl-C should end it at once. */
function readShutdown(read: EnvironmentReader, mode: Mode): ShutdownSettings {
  const seconds = { min: 0, max: 600 };
  const delaySec = read.integer('SHUTDOWN_DELAY_SEC', seconds) ?? (mode === 'production' ? 5 : 0);
  const timeoutSec = read.integer('SHUTDOWN_TIMEOUT_SEC', seconds) ?? 20;
  return { delayMs: delaySec * 1_000, timeoutMs: timeoutSec * 1_000 };
}

/** What production cannot make up, told at once. */
function requireSettings(read: EnvironmentReader, mode: Mode): void {
  if (mode === 'development') return;
  const isMissing = (name: SettingName) => read.text(name) === undefined;
  const needed: SettingName[] = ['KEYSHIFT_ADMIN_PASSWORD', 'KEYSHIFT_KEYS'];
  if (isMissing('FLASK_SECRET_KEY')) needed.unshift('SESSION_SECRET');
  const missing = needed.filter(isMissing);
  if (missing.length === 0) return;
  // Some commands do without the app; whoever sets up the rest needs it too.
  missing.push(...(['REDIRECT_URI', 'CLIENT_ID', 'CLIENT_SECRET'] as const).filter(isMissing));
  const last = missing.pop() ?? '';
  const names = missing.length === 0 ? `${last} is` : `${missing.join(', ')} and ${last} are`;
  const why = isMissing('KEYSHIFT_MODE') ? ' (it is production because of HOST)' : '';
  const fix = `Production needs settings and secrets of your own${why}; to try things out, set KEYSHIFT_MODE=development. See docs/configuration.md.`;
  throw new KeyshiftError('config_invalid', `${names} not set.`, { fix });
}

function readSecrets(
  read: EnvironmentReader,
  mode: Mode,
  warnings: string[],
  generate: () => GeneratedSecrets,
) {
  const sessionName =
    read.text('SESSION_SECRET') === undefined ? 'FLASK_SECRET_KEY' : 'SESSION_SECRET';
  const keys = read.text('KEYSHIFT_KEYS') ?? generate().keys;
  const secrets = {
    sessionSecret: new Secret('session_secret', read.text(sessionName) ?? generate().sessionSecret),
    adminPassword: new Secret(
      'admin_password',
      read.text('KEYSHIFT_ADMIN_PASSWORD') ?? generate().adminPassword,
    ),
    keyring: parseKeyring(keys),
    serviceTokens: readServiceTokens(read, mode, generate),
    metricsToken: readMetricsToken(read),
  };
  for (const [name, problem] of findWeakSecrets(read, sessionName, secrets.serviceTokens)) {
    if (mode === 'production') {
      throw read.wrong(name, problem, 'generate one with: openssl rand -base64 32');
    }
    warnings.push(`${name} ${problem}: production will refuse it`);
  }
  return secrets;
}

/** Secrets that somebody could guess, each with what is wrong about it. */
function* findWeakSecrets(
  read: EnvironmentReader,
  sessionName: SettingName,
  tokens: readonly ServiceToken[],
): Generator<[name: string, problem: string]> {
  for (const name of ['CLIENT_ID', 'CLIENT_SECRET'] as const) {
    if (isPlaceholder(read.text(name) ?? '')) yield [name, 'is a placeholder'];
  }
  const listed = read.text('KEYSHIFT_SERVICE_TOKENS') === undefined ? [] : tokens;
  const secrets: [name: string, value: string | undefined, length: number][] = [
    [sessionName, read.text(sessionName), 32],
    ['KEYSHIFT_ADMIN_PASSWORD', read.text('KEYSHIFT_ADMIN_PASSWORD'), 12],
    ['KEYSHIFT_METRICS_TOKEN', read.text('KEYSHIFT_METRICS_TOKEN'), 24],
    ['WEBHOOK_SECRET', read.text('WEBHOOK_SECRET'), 16],
    ...listed.map(({ name, token }): [string, string, number] => [
      `KEYSHIFT_SERVICE_TOKENS (${name})`,
      token.reveal(),
      24,
    ]),
  ];
  const seen = new Map<string, string>([[read.text('CLIENT_SECRET') ?? '', 'CLIENT_SECRET']]);
  const isRepeated = (name: string, value: string): string | undefined => {
    const other = seen.get(value);
    seen.set(value, name);
    return other === undefined ? undefined : `has the same value as ${other}`;
  };
  for (const [name, value, length] of secrets) {
    if (value === undefined) continue;
    const problem =
      (value.length < length ? `has fewer than ${length} characters` : findWeakness(value)) ??
      isRepeated(name, value);
    if (problem !== undefined) yield [name, problem];
  }
  for (const entry of read.text('KEYSHIFT_KEYS')?.split(',') ?? []) {
    const [id, key = ''] = splitOnce(entry.trim(), ':');
    const name = `KEYSHIFT_KEYS (${id})`;
    const problem = findWeaknessOfKey(Buffer.from(key, 'base64')) ?? isRepeated(name, key);
    if (problem !== undefined) yield [name, problem];
  }
}

function readServiceTokens(
  read: EnvironmentReader,
  mode: Mode,
  generate: () => GeneratedSecrets,
): ServiceToken[] {
  const value = read.text('KEYSHIFT_SERVICE_TOKENS');
  if (value === undefined) {
    // Production without service tokens is a proxy for known keys only.
    if (mode === 'production') return [];
    return [{ name: 'dev', token: new Secret('service_token', generate().serviceToken) }];
  }
  return value.split(',').map((entry, index) => {
    const [name, token] = splitOnce(entry.trim(), ':');
    if (!/^[\w-]{1,64}$/.test(name) || token === undefined || /\s/.test(token)) {
      throw read.wrong(
        'KEYSHIFT_SERVICE_TOKENS',
        `has an entry that is not name:token (number ${index + 1})`,
        'write name:token,name2:token2',
      );
    }
    return { name, token: new Secret('service_token', token) };
  });
}

function readMetricsToken(read: EnvironmentReader): Secret<'service_token'> | undefined {
  const value = read.text('KEYSHIFT_METRICS_TOKEN');
  if (value === undefined) return undefined;
  if (/\s/.test(value)) {
    throw read.wrong('KEYSHIFT_METRICS_TOKEN', 'contains a space', 'write it as one word');
  }
  return new Secret('service_token', value);
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1) || undefined];
}

/** Demands the OAuth app where a command cannot do without it. */
export function requireClient(config: Pick<KeyshiftConfig, 'client'>): ClientCredentials {
  if (config.client) return config.client;
  throw new KeyshiftError('config_invalid', 'CLIENT_ID and CLIENT_SECRET are not set.', {
    fix: 'Put both into .env.local; they are on the app’s page in Klaviyo.',
  });
}

/**
 * Demands what a customer needs who opens a link, before anybody gets one.
 *
 * @throws KeyshiftError `config_invalid`
 */
export function requireConsents(
  config: Pick<KeyshiftConfig, 'client' | 'mode' | 'redirectUri'>,
): void {
  requireClient(config);
  if (config.mode === 'development' || !isLoopback(new URL(config.redirectUri).hostname)) return;
  throw new KeyshiftError(
    'config_invalid',
    `REDIRECT_URI leads customers to ${config.redirectUri}, their own machine.`,
    { fix: 'Set it to an address of this server, and add that to the app in Klaviyo.' },
  );
}
