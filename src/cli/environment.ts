import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TextDecoder } from 'node:util';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { KeyshiftConfig } from '../core/config.ts';
import { parseEnvFile } from '../core/env-file.ts';
import { createEnvironmentReader, type Environment } from '../core/environment-reader.ts';
import { loadGeneratedSecrets, type GeneratedSecrets } from '../core/generated-secrets.ts';
import { readConfig } from '../core/read-config.ts';
import { systemRandom } from '../runtime/random.ts';

/** A configuration, with the secrets that were generated on the way, if any were. */
export interface LoadedConfig {
  readonly config: KeyshiftConfig;
  readonly generated: GeneratedSecrets | undefined;
}

const dataFolder = 'data';

/**
 * Reads the configuration of this process: `.env.local` of the working folder first, where a
 * variable that is set already wins.
 *
 * @throws KeyshiftError `config_invalid`
 */
export function loadConfig(): LoadedConfig {
  let generated: GeneratedSecrets | undefined;
  const config = readConfig(readEnvironment(), {
    generate: () => (generated ??= loadGeneratedSecrets(dataFolder, systemRandom)),
  });
  return { config, generated };
}

/** `DATABASE_URL` alone, for what needs no further configuration. */
export function readDatabaseUrl(): string | undefined {
  return createEnvironmentReader(readEnvironment()).text('DATABASE_URL');
}

/** `KLAVIYO_SCOPES` alone, for what works without a database; `undefined` where it is not set. */
export function readScopesSetting(): string | undefined {
  return createEnvironmentReader(readEnvironment()).text('KLAVIYO_SCOPES');
}

/** Any variable, by a name that a person gave. */
export function readVariable(name: string): string | undefined {
  return readEnvironment()[name]?.trim() || undefined;
}

const localFile = '.env.local';

/** The variables of this process, and those of the file that are not set, or empty, in it. */
function readEnvironment(): Environment {
  const text = readLocalFile(join(process.cwd(), localFile));
  if (text === undefined) return process.env;
  const set = Object.entries(process.env).filter(([, value]) => value?.trim() !== '');
  return { ...parseEnvFile(text, localFile, process.env), ...Object.fromEntries(set) };
}

function readLocalFile(path: string): string | undefined {
  try {
    // Of a link that leads nowhere, there is an entry all the same.
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
    const text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
    if (text.includes('\0')) throw new TypeError('UTF-16');
    return text;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const notText = cause instanceof TypeError;
    throw new KeyshiftError(
      'config_invalid',
      `${localFile} ${notText ? 'is not UTF-8' : `cannot be read (${code ?? 'unknown'})`}.`,
      {
        cause,
        fix: notText ? 'Save it as UTF-8.' : 'It must be a readable file of NAME=value lines.',
      },
    );
  }
}
