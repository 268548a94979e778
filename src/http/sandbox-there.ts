import { connect } from 'node:net';
import type { KeyshiftConfig } from '../core/config.ts';
import { KeyshiftError } from '../errors/keyshift-error.ts';

/**
 * Makes sure that a redirect leads somewhere. Without an app in its settings, Keyshift goes by the
 * built-in sandbox, which `keyshift serve` starts; an application that mounts the routes may not
 * have started one.
 *
 * @throws KeyshiftError `config_invalid` when no sandbox listens
 */
export async function requireSandboxThere(
  config: Pick<KeyshiftConfig, 'sandbox' | 'endpoints'>,
): Promise<void> {
  if (!config.sandbox) return;
  const { hostname, port, origin } = new URL(config.endpoints.authorizeUrl);
  const isThere = await new Promise<boolean>((resolve) => {
    const socket = connect({ host: hostname, port: Number(port), timeout: 1_000 });
    const end = (answer: boolean) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', end(true)).once('error', end(false)).once('timeout', end(false));
  });
  if (isThere) return;
  throw new KeyshiftError(
    'config_invalid',
    `CLIENT_ID and CLIENT_SECRET are not set, and no sandbox runs at ${origin}.`,
    {
      fix: 'Set both from the app’s page in Klaviyo, or start a sandbox with the command keyshift serve or with startSandbox() of keyshift/sandbox.',
    },
  );
}
