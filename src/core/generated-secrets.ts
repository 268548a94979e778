import { existsSync, linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import { type Random, randomToken } from '../runtime/random.ts';
import { generateKeyringEntry } from '../vault/keyring.ts';

/** Secrets that development makes for itself, so that it starts without any set-up. */
export interface GeneratedSecrets {
  /** In the form of `KEYSHIFT_KEYS`. */
  readonly keys: string;
  readonly sessionSecret: string;
  readonly adminPassword: string;
  readonly serviceToken: string;
  /** Whether they were made just now: the moment to show them, once. */
  readonly fresh: boolean;
}

const secretsFile = z.object({
  sessionSecret: z.string().min(32),
  adminPassword: z.string().min(12),
  serviceToken: z.string().min(24),
});

/**
 * Reads the secrets kept in `folder` (`keys` and `secrets.json`, readable by their owner only), or
 * makes them. Two processes that start at the same time end up with the same ones.
 *
 * @throws KeyshiftError `config_invalid` when the folder cannot be used or a file was damaged
 */
export function loadGeneratedSecrets(folder: string, random: Random): GeneratedSecrets {
  const keysPath = join(folder, 'keys');
  const secretsPath = join(folder, 'secrets.json');
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeOnce(keysPath, () => `${generateKeyringEntry(random)}\n`);
    const fresh = writeOnce(secretsPath, () =>
      JSON.stringify({
        sessionSecret: randomToken(random),
        adminPassword: randomToken(random, 12),
        serviceToken: `ks_${randomToken(random, 24)}`,
      }),
    );
    const secrets = secretsFile.parse(JSON.parse(readFileSync(secretsPath, 'utf8')));
    return { keys: readFileSync(keysPath, 'utf8').trim(), ...secrets, fresh };
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'damaged';
    throw new KeyshiftError('config_invalid', `The folder ${folder} cannot be used (${code}).`, {
      cause,
      fix: `Make ${folder} writable, or set KEYSHIFT_KEYS, SESSION_SECRET, KEYSHIFT_ADMIN_PASSWORD and KEYSHIFT_SERVICE_TOKENS.`,
    });
  }
}

/** Creates the file unless it is there, whole or not at all; answers whether it was created. */
function writeOnce(path: string, content: () => string): boolean {
  if (existsSync(path)) return false;
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, content(), { mode: 0o600 });
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkSync(draft);
  }
}
