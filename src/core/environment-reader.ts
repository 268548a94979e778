import { KeyshiftError } from '../errors/keyshift-error.ts';
import { isLoopback } from '../runtime/loopback.ts';
import type { Mode } from './config.ts';

/** Variables of the environment by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads single variables; an empty one counts as not set, as in a template that was not filled in. */
export interface EnvironmentReader {
  text(name: string): string | undefined;
  integer(name: string, range: { min: number; max: number }): number | undefined;
  oneOf<Value extends string>(name: string, values: readonly Value[]): Value | undefined;
  /** An absolute URL without credentials: https, or in development and on this machine http. */
  url(name: string, mode: Mode): URL | undefined;
  /** The error for a wrong value: names the variable, what is wrong, and the way out. */
  wrong(name: string, what: string, fix: string): KeyshiftError<'config_invalid'>;
}

/** Creates a reader over variables. */
export function createEnvironmentReader(environment: Environment): EnvironmentReader {
  const wrong: EnvironmentReader['wrong'] = (name, what, fix) =>
    new KeyshiftError('config_invalid', `${name} ${what}.`, {
      fix: `${fix.charAt(0).toUpperCase()}${fix.slice(1)}. See docs/configuration.md.`,
    });
  const text = (name: string) => {
    const value = environment[name]?.trim();
    return value === '' ? undefined : value;
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
