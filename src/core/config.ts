import type { KlaviyoEndpoints } from '../klaviyo/endpoints.ts';
import type { OutreachSettings } from '../migration/outreach/settings.ts';
import type { LogLevel } from '../runtime/logger.ts';
import type { TrustedProxies } from '../runtime/request-origin.ts';
import type { Secret } from '../runtime/secret.ts';
import type { PostgresLimits } from '../store/postgres-backend.ts';
import type { Keyring } from '../vault/keyring.ts';

/** `development` is open and talkative on a developer's machine; `production` refuses what is weak. */
export type Mode = 'development' | 'production';

/** The OAuth app as registered at Klaviyo. */
export interface ClientCredentials {
  readonly clientId: string;
  readonly clientSecret: Secret<'client_secret'>;
  /** Tried when the first is refused. */
  readonly previousClientSecret: Secret<'client_secret'> | undefined;
}

/** A caller of the management API and the proxy. */
export interface ServiceToken {
  readonly name: string;
  readonly token: Secret<'service_token'>;
}

/** How a server ends. */
export interface ShutdownSettings {
  /** How long it serves on after `/readyz` has turned red, so that balancers notice. */
  readonly delayMs: number;
  /** How long requests under way are given after that. */
  readonly timeoutMs: number;
}

/** Who the customers' pages are from. Each part is absent where it is not set. */
export interface CompanySettings {
  readonly name: string | undefined;
  /** Of buttons, as `#0b5a6f`. */
  readonly colour: string | undefined;
  /** A `data:` URL, so that no page loads anything from elsewhere. */
  readonly logo: string | undefined;
  /** An email address, or the address of a page. */
  readonly contact: string | undefined;
}

/** Everything a running Keyshift was told. Made from the environment by {@link readConfig}. */
export interface KeyshiftConfig {
  readonly mode: Mode;
  readonly host: string;
  readonly port: number;
  /** Origin, and path if there is one, of links sent to customers; without a trailing slash. */
  readonly publicUrl: string;
  /** Whose forwarding headers count. */
  readonly trustedProxies: TrustedProxies;
  /** Absent until CLIENT_ID is set; commands that never speak OAuth do without. */
  readonly client: ClientCredentials | undefined;
  readonly redirectUri: string;
  /** Space separated. */
  readonly scope: string;
  /** A secret as a whole: it may hold a password. */
  readonly databaseUrl: Secret<'database_url'>;
  /** What is set of them; SQLite has none. */
  readonly postgresLimits: Partial<PostgresLimits>;
  readonly keyring: Keyring;
  readonly sessionSecret: Secret<'session_secret'>;
  readonly adminPassword: Secret<'admin_password'>;
  readonly serviceTokens: readonly ServiceToken[];
  /** Opens `/metrics`, and nothing else. */
  readonly metricsToken: Secret<'service_token'> | undefined;
  readonly endpoints: KlaviyoEndpoints;
  readonly revision: string;
  /** Whether links in the proxy's answers lead to Keyshift again. */
  readonly rewriteLinks: boolean;
  /** How customers are written to. */
  readonly outreach: OutreachSettings;
  /** Who the customers' pages are from. */
  readonly company: CompanySettings;
  readonly shutdown: ShutdownSettings;
  readonly logLevel: LogLevel;
  /** Whether the built-in sandbox stands in for Klaviyo. */
  readonly sandbox: boolean;
  /** What is odd about the settings and stops nothing; logged at the start. */
  readonly warnings: readonly string[];
}

/** Where a browser is shown how its sign-in ended, below the callback that sets its cookie. */
export function resultPathOf(config: Pick<KeyshiftConfig, 'publicUrl' | 'redirectUri'>): string {
  return `${callbackPathOf(config).replace(/\/$/, '')}/result`;
}

/** The path at which the server itself meets the callback: below the path of `publicUrl`. */
export function callbackPathOf(config: Pick<KeyshiftConfig, 'publicUrl' | 'redirectUri'>): string {
  const path = new URL(config.redirectUri).pathname;
  const mount = new URL(config.publicUrl).pathname.replace(/\/$/, '');
  return path.startsWith(`${mount}/`) ? path.slice(mount.length) : path;
}
