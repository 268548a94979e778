import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KeyshiftConfig } from '../core/config.ts';
import { isKeyshiftError, KeyshiftError } from '../errors/keyshift-error.ts';
import { sandboxProfile } from '../core/sandbox-profile.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { createSampleSeed } from '../sandbox/seed/sample-seed.ts';

/** The sandbox that runs beside a server without an app. */
export interface BuiltInSandbox {
  readonly url: string;
  /** A file of sample customers, ready for `keyshift import`. */
  readonly customersFile: string;
  close(): Promise<void>;
}

const sampleCustomers = 12;

/**
 * Starts the sandbox of the profile with sample customers, and writes their keys to a file. Its
 * state outlives a restart, as the store's does.
 */
export async function startBuiltInSandbox(config: KeyshiftConfig): Promise<BuiltInSandbox> {
  const profile = sandboxProfile(config.port);
  const { clientId, clientSecret } = profile.client;
  const seed = createSampleSeed({
    customers: sampleCustomers,
    app: {
      clientId,
      clientSecret: clientSecret.reveal(),
      redirectUris: [config.redirectUri],
      // What the marketplace of the sandbox opens.
      installationUrl: `${new URL(config.redirectUri).origin}/auth/install`,
    },
  });
  mkdirSync('data', { recursive: true, mode: 0o700 });
  const stateFile = join('data', 'sandbox-state.json');
  const sandbox = await startSandbox({
    port: profile.port,
    seed,
    stateFile,
    settings: { consistency: 'immediate' },
  }).catch((error: unknown) => {
    if (!isKeyshiftError(error, 'port_in_use')) throw error;
    throw new KeyshiftError(
      'port_in_use',
      `Port ${profile.port}, for the built-in sandbox, is already in use.`,
      {
        cause: error,
        fix: 'If Keyshift is not running already, set PORT so that this port and the next one are free.',
      },
    );
  });
  const customersFile = join('data', 'sample-customers.csv');
  const rows = seed.accounts.map(
    ({ name, keys }, index) => `shop-${index + 1},${keys[0]?.key ?? ''},"${name}"`,
  );
  const csv = ['customer_id,private_key,name', ...rows, ''].join('\n');
  writeFileSync(customersFile, csv, { mode: 0o600 });
  return { url: sandbox.url, customersFile, close: () => sandbox.close() };
}
