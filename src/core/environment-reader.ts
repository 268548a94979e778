import { KeyshiftError } from '../errors/keyshift-error.ts';
import { isLoopback } from '../runtime/loopback.ts';
import type { Mode } from './config.ts';
import { findSimilar } from './did-you-mean.ts';

/** Variables of the environment by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Every variable that is read, as docs/configuration.md lists them. */
export const settingNames = [
  ...(['CLIENT_ID', 'CLIENT_SECRET', 'CLIENT_SECRET_PREVIOUS', 'REDIRECT_URI'] as const),
  ...(['KLAVIYO_SCOPES', 'KLAVIYO_REVISION', 'KLAVIYO_API_URL'] as const),
  ...(['KLAVIYO_AUTHORIZE_URL', 'KLAVIYO_TOKEN_URL', 'KLAVIYO_REVOKE_URL'] as const),
  ...(['HOST', 'PORT', 'PUBLIC_URL', 'TRUSTED_PROXIES', 'LOG_LEVEL', 'DATABASE_URL'] as const),
  ...(['SHUTDOWN_DELAY_SEC', 'SHUTDOWN_TIMEOUT_SEC', 'DATABASE_POOL_SIZE'] as const),
  ...(['DATABASE_CONNECT_TIMEOUT_SEC', 'DATABASE_TIMEOUT_SEC'] as const),
  ...(['SESSION_SECRET', 'FLASK_SECRET_KEY', 'SMTP_URL', 'MAIL_FROM', 'MAIL_REPLY_TO'] as const),
  ...(['COMPANY_NAME', 'COMPANY_COLOR', 'COMPANY_LOGO', 'SUPPORT_CONTACT'] as const),
  ...(['WEBHOOK_URL', 'WEBHOOK_SECRET', 'KEYSHIFT_MODE', 'KEYSHIFT_KEYS'] as const),
  ...(['KEYSHIFT_ADMIN_PASSWORD', 'KEYSHIFT_SERVICE_TOKENS', 'KEYSHIFT_METRICS_TOKEN'] as const),
  ...(['KEYSHIFT_REWRITE_LINKS'] as const),
] as const;
export type SettingName = (typeof settingNames)[number];

/** Reads single variables; an empty one counts as not set, as in a template that was not filled in. */
export interface EnvironmentReader {
  /** @throws KeyshiftError for a value in quotes, or with a character that nobody can see */
  text(name: SettingName): string | undefined;
  integer(name: SettingName, range: { min: number; max: number }): number | undefined;
  oneOf<Value extends string>(name: SettingName, values: readonly Value[]): Value | undefined;
  /** An absolute URL without credentials: https, or in development and on this machine http. */
  url(name: SettingName, mode: Mode): URL | undefined;
  /** The error for a wrong value: names the variable, what is wrong, and the way out. */
  wrong(name: string, what: string, fix: string): KeyshiftError<'config_invalid'>;
}

/**
 * What to say about variables that look like settings of Keyshift and are none.
 *
 * @throws KeyshiftError `config_invalid` for a slip in a name that begins with KEYSHIFT_: its
 * setting, and what it protects, would not be in force
 */
export function findStrangeNames(environment: Environment): string[] {
  const known: ReadonlySet<string> = new Set(settingNames);
  const warnings: string[] = [];
  for (const [name, value] of Object.entries(environment)) {
    if (known.has(name) || value === undefined) continue;
    const plain = name
      .replaceAll(/^export\s|[\p{C}\s"']/gu, '')
      .toUpperCase()
      .replaceAll('-', '_');
    const bare = plain.replace(/^(KEYSHIFT|KLAVIYO)_/, '');
    const meant =
      settingNames.find((setting) => setting === plain || setting === bare) ??
      findSimilar(plain, settingNames);
    const ours = plain.startsWith('KEYSHIFT_');
    if (meant === undefined && !ours) continue;
    const problem = `${JSON.stringify(name)} is not a setting of Keyshift`;
    if (ours && meant?.startsWith('KEYSHIFT_') === true) {
      const fix = `Did you mean ${meant}? Rename the variable, or remove it.`;
      throw new KeyshiftError('config_invalid', `${problem}.`, { fix });
    }
    warnings.push(
      `${problem} and is not read${meant === undefined ? '' : `: did you mean ${meant}?`}`,
    );
  }
  return warnings;
}

/** Creates a reader over variables. */
export function createEnvironmentReader(environment: Environment): EnvironmentReader {
  const wrong: EnvironmentReader['wrong'] = (name, what, fix) =>
    new KeyshiftError('config_invalid', `${name} ${what}.`, {
      fix: `${fix.charAt(0).toUpperCase()}${fix.slice(1)}${fix.endsWith('?') ? '' : '.'} See docs/configuration.md.`,
    });
  const text = (name: SettingName) => {
    const value = environment[name]?.trim();
    if (value === undefined || value === '') return undefined;
    if (/^(['"]).*\1$/s.test(value)) {
      throw wrong(
        name,
        'has quotes around its value',
        'remove the quotes: here, they are part of it',
      );
    }
    if (/[^\P{C}\r\n\t]/u.test(value)) {
      throw wrong(
        name,
        'contains an invisible character',
        'type the value again, or copy it as plain text',
      );
    }
    return value;
  };
  return {
    wrong,
    text,
    integer(name, { min, max }) {
      const value = text(name);
      if (value === undefined) return undefined;
      const number = Number(value);
      if (/^\d+$/.test(value) && number >= min && number <= max) return number;
      throw wrong(name, `is "${value}"`, `use a whole number from ${min} to ${max}`);
    },
    oneOf(name, values) {
      const value = text(name);
      if (value === undefined) return undefined;
      const known = values.find((each) => each === value.toLowerCase());
      if (known !== undefined) return known;
      throw wrong(name, `is "${value}"`, `use one of: ${values.join(', ')}`);
    },
    url(name, mode) {
      const value = text(name);
      if (value === undefined) return undefined;
      const url = URL.parse(value);
      if (!url || !/^https?:$/.test(url.protocol)) {
        throw wrong(
          name,
          'is not an http or https URL',
          'write the full URL, such as https://example.com/path',
        );
      }
      if (url.username !== '' || url.password !== '') {
        throw wrong(
          name,
          'contains a user name or password',
          'remove the credentials from the URL',
        );
      }
      if (mode === 'production' && url.protocol === 'http:' && !isLoopback(url.hostname)) {
        throw wrong(name, 'uses plain http outside this machine', 'use https');
      }
      return url;
    },
  };
}
