import { openKeyshift, type OpenKeyshift } from '../../src/core/create-keyshift.ts';
import type { Environment } from '../../src/core/environment-reader.ts';
import { readConfig } from '../../src/core/read-config.ts';
import type { AttemptBinding } from '../../src/migration/consent/authorizations.ts';
import type { Consent } from '../../src/migration/consent/consent.ts';
import { createManualClock, systemClock, type ManualClock } from '../../src/runtime/clock.ts';
import { createLogger } from '../../src/runtime/logger.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import {
  approveConsent,
  startSandbox,
  type ConsentChoice,
  type Sandbox,
  type SandboxOptions,
  type SandboxSeed,
} from '../../src/sandbox.ts';
import { generateKeyringEntry } from '../../src/vault/keyring.ts';

/** Three accounts, one with a key that may do little, and an app whose secret holds - and _. */
export const testSeed: SandboxSeed = {
  accounts: [
    {
      id: 'AAA111',
      name: 'Alpha & Sons',
      keys: [
        { key: 'pk_alpha0123456789abcdef', name: 'Full', scopes: 'full' },
        { key: 'pk_alphametrics0123456789', name: 'Metrics', scopes: ['metrics:read'] },
      ],
    },
    {
      id: 'BBB222',
      name: 'Beta',
      keys: [{ key: 'pk_beta0123456789abcdef', name: 'Full', scopes: 'full' }],
    },
    {
      id: 'CCC333',
      name: 'Gamma Test',
      testAccount: true,
      keys: [{ key: 'pk_gamma0123456789abcdef', name: 'Full', scopes: 'full' }],
    },
  ],
  apps: [
    {
      clientId: 'app-one',
      clientSecret: 'secret-one_with-dashes',
      name: 'App One',
      redirectUris: ['http://localhost:5000/auth/callback'],
      scopes: ['accounts:read', 'profiles:read', 'events:write'],
    },
  ],
};

/** The environment that points at a sandbox, with secrets made for this one. */
export function sandboxEnvironment(sandbox: Sandbox): Record<string, string> {
  return {
    CLIENT_ID: 'app-one',
    CLIENT_SECRET: 'secret-one_with-dashes',
    KLAVIYO_AUTHORIZE_URL: sandbox.authorizeUrl,
    KLAVIYO_TOKEN_URL: sandbox.tokenUrl,
    KLAVIYO_REVOKE_URL: sandbox.revokeUrl,
    KLAVIYO_API_URL: sandbox.apiUrl,
    DATABASE_URL: 'sqlite::memory:',
    KEYSHIFT_KEYS: generateKeyringEntry(systemRandom),
    SESSION_SECRET: 'session-secret-of-the-test-0123456789',
    KEYSHIFT_ADMIN_PASSWORD: 'correct horse battery',
    KEYSHIFT_SERVICE_TOKENS: 'shop:service-token-of-the-test-01',
  };
}

/** A whole Keyshift in memory, beside a sandbox that keeps the same time. */
export interface TestKeyshift extends AsyncDisposable {
  readonly sandbox: Sandbox;
  readonly clock: ManualClock;
  readonly keyshift: OpenKeyshift;
  /** What was logged, as JSON lines. */
  readonly logLines: readonly string[];
  /** Goes through start, Klaviyo's page and callback as a browser does. */
  consent(binding?: AttemptBinding, choice?: ConsentChoice): Promise<Consent>;
}

/** How {@link openTestKeyshift} differs from the usual. */
export interface TestKeyshiftOptions {
  readonly environment?: Environment;
  readonly sandbox?: SandboxOptions;
}

/**
 * Starts a sandbox without rate limits, and a Keyshift over a database in memory.
 *
 * @example
 * ```ts
 * await using bench = await openTestKeyshift();
 * await bench.consent({}, { account: 'AAA111' });
 * ```
 */
export async function openTestKeyshift(options: TestKeyshiftOptions = {}): Promise<TestKeyshift> {
  // Its calls cross real sockets, so that their deadlines are real too.
  const clock = { ...createManualClock(), timer: systemClock.timer };
  const sandbox = await startSandbox({
    seed: testSeed,
    clock,
    limits: false,
    ...options.sandbox,
    settings: { consistency: 'immediate', ...options.sandbox?.settings },
  });
  const environment = { ...sandboxEnvironment(sandbox), ...options.environment };
  const config = readConfig(environment, {
    generate: () => {
      throw new Error('the test sets every secret itself');
    },
  });
  const logLines: string[] = [];
  const logger = createLogger({
    level: 'debug',
    destination: { write: (line) => logLines.push(line) },
  });
  const keyshift = await openKeyshift(config, { clock, logger });
  return {
    sandbox,
    clock,
    keyshift,
    logLines,
    async consent(binding, choice) {
      const attempt = keyshift.authorizations.start(binding);
      const { searchParams } = new URL(await approveConsent(attempt.url, choice));
      const state = searchParams.get('state');
      const admitted = await keyshift.authorizations.admit(state, () => attempt.cookie);
      return keyshift.completeConsent(admitted, searchParams);
    },
    async [Symbol.asyncDispose]() {
      await keyshift.close();
      await sandbox.close();
    },
  };
}
