import type { KeyshiftConfig } from '../core/config.ts';
import { isLoopback } from '../runtime/loopback.ts';
import type { GeneratedSecrets } from '../core/generated-secrets.ts';
import type { BuiltInSandbox } from './built-in-sandbox.ts';
import type { Terminal } from './terminal.ts';

/** What {@link printWelcome} tells about. */
export interface Welcome {
  readonly config: KeyshiftConfig;
  readonly generated: GeneratedSecrets | undefined;
  readonly url: string;
  readonly sandbox: BuiltInSandbox | undefined;
}

/**
 * Says in a few lines where the server is, what to open and what to try. Secrets that were
 * generated just now are shown this once: their owner has no other way to learn them.
 */
export function printWelcome(terminal: Terminal, welcome: Welcome): void {
  const { config, generated, url, sandbox } = welcome;
  const against = sandbox ? `the built-in sandbox at ${sandbox.url}` : config.endpoints.apiUrl;
  terminal.print(`Keyshift runs at ${url} (${config.mode}), against ${against}`);
  if (config.mode === 'production') return;
  if (!isLoopback(new URL(config.redirectUri).hostname)) {
    terminal.print(
      `  warning: development mode returns tokens at ${new URL(config.redirectUri).origin}, which others may be able to reach; set KEYSHIFT_MODE=production`,
    );
  }
  terminal.print(`  open  ${url}/auth/start   sign in and get tokens, as in Klaviyo's demo`);
  terminal.print(`        ${url}/console      see the progress of every customer`);
  if (sandbox) {
    // Another terminal finds this server and its sandbox by the port alone.
    const cli = `${config.port === 5000 ? '' : `PORT=${config.port} `}node bin/keyshift.mjs`;
    terminal.print(`  try   ${cli} import ${sandbox.customersFile}`);
    terminal.print(`        ${cli} invite --print-links`);
    terminal.print(`        then open a link, approve, and: ${cli} cutover --all`);
    terminal.print(
      `  To use Klaviyo, put CLIENT_ID and CLIENT_SECRET into .env.local (see README.md)`,
    );
  }
  if (generated?.fresh) {
    terminal.print(`  Generated for development, kept in data/, shown only this once:`);
    terminal.print(`        console password  ${generated.adminPassword}`);
    terminal.print(`        service token     ${generated.serviceToken}`);
  } else if (generated) {
    // A command may have made them before the first start, and showed nothing.
    terminal.print(`  Console password and service token for development: data/secrets.json`);
  }
}
