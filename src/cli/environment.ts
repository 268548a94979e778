import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadEnvFile } from 'node:process';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { KeyshiftConfig } from '../core/config.ts';
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
  loadLocalFile();
  let generated: GeneratedSecrets | undefined;
  const config = readConfig(process.env, {
    generate: () => (generated ??= loadGeneratedSecrets(dataFolder, systemRandom)),
  });
  return { config, generated };
}

/** `DATABASE_URL` alone, for what needs no further configuration. */
export function readDatabaseUrl(): string | undefined {
  loadLocalFile();
  return process.env['DATABASE_URL']?.trim() || undefined;
}

/** `KLAVIYO_SCOPES` alone, for what works without a database; `undefined` where it is not set. */
export function readScopesSetting(): string | undefined {
  loadLocalFile();
  return process.env['KLAVIYO_SCOPES']?.trim() || undefined;
}

function loadLocalFile(): void {
  const path = join(process.cwd(), '.env.local');
  if (!existsSync(path)) return;
  try {
    loadEnvFile(path);
  } catch (cause) {
    throw new KeyshiftError('config_invalid', '.env.local cannot be read.', {
      cause,
      fix: 'It must be a readable file of NAME=value lines.',
    });
  }
}
