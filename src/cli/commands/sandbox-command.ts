import { readFile } from 'node:fs/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import type { RotationMode } from '../../sandbox/context/sandbox-context.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { SandboxOptions } from '../../sandbox/sandbox-options.ts';
import { startSeeded } from '../../sandbox/sandbox.ts';
import { createSampleSeed } from '../../sandbox/seed/sample-seed.ts';
import { parseSeed } from '../../sandbox/seed/parse-seed.ts';
import type { SandboxSeed } from '../../sandbox/seed/seed.ts';
import { settingsTable } from '../../sandbox/context/settings.ts';
import type { CommandContext } from '../command-context.ts';
import { whole } from '../options.ts';
import type { Terminal } from '../terminal.ts';
import { untilStopped } from '../until-stopped.ts';

/** The options of the command as they were given. */
export interface SandboxFlags {
  readonly port: number;
  readonly host: string;
  readonly seed?: string;
  readonly accounts?: number;
  readonly randomSeed?: number;
  readonly state?: string;
  readonly limits: boolean;
  readonly rotation?: RotationMode;
  readonly accessTokenTtl?: number;
  readonly refreshLimit?: number;
  readonly set?: Readonly<Record<string, unknown>>;
  readonly remoteControl?: boolean;
  readonly json?: boolean;
}

/** `keyshift sandbox`: a stand-in for Klaviyo, until Ctrl-C. */
export function addSandboxCommand(program: Command, { terminal, run }: CommandContext): void {
  program
    .command('sandbox')
    .description("run a stand-in for Klaviyo's OAuth and API on this machine")
    .option('--port <n>', 'port; 0 picks a free one', whole(0, 65_535), 5001)
    .option('--host <name>', 'address to listen on', 'localhost')
    .addOption(
      new Option('--seed <file>', 'accounts, keys and apps, as YAML or JSON').conflicts('accounts'),
    )
    .option('--accounts <n>', 'number of sample shops (default: 10)', whole(1, 1_000_000))
    .option(
      '--random-seed <n>',
      'the same number gives the same ids, keys and tokens',
      whole(0, 2 ** 32 - 1),
    )
    .option('--state <file>', 'keep the state in a file across restarts')
    .option('--no-limits', 'do not enforce rate limits')
    .addOption(
      new Option('--rotation <mode>', 'what happens to a refresh token when it is used').choices(
        settingsTable.rotation.schema.options,
      ),
    )
    .option('--access-token-ttl <seconds>', 'lifetime of access tokens', whole(1, 1e8))
    .option(
      '--refresh-limit <n>',
      'refreshes per minute for each install (default: 10, as Klaviyo reportedly allows)',
      whole(1, 1e6),
    )
    .option('--set <name=value>', 'any other setting; repeatable', collectSetting)
    .option('--remote-control', 'let other machines use /_sandbox and the page')
    .option('--json', 'print one JSON object once it listens')
    .action(
      run(async (flags: SandboxFlags) => {
        const seed = await readSeed(flags);
        const stopped = untilStopped();
        await using sandbox = await startSeeded(seed, { ...optionsOf(flags, seed), seed });
        if (flags.json === true) terminal.print(JSON.stringify(describe(sandbox, seed)));
        else welcome(terminal, sandbox, seed);
        await stopped;
        return 0;
      }),
    );
}

/** Second-hand, so only the command that stands in for Klaviyo by itself begins with it. */
const usualRefreshLimit = 10;

/** What was not given stays out, so that the settings of the seed stand. */
export function optionsOf(flags: SandboxFlags, seed: SandboxSeed): SandboxOptions {
  const usual = { refreshLimitPerMinute: flags.limits ? usualRefreshLimit : null };
  const settings = {
    ...usual,
    ...seed.settings,
    ...flags.set,
    ...(flags.limits ? {} : { limits: false }),
    ...(flags.rotation === undefined ? {} : { rotation: flags.rotation }),
    ...(flags.accessTokenTtl === undefined ? {} : { accessTokenTtlSec: flags.accessTokenTtl }),
    ...(flags.refreshLimit === undefined ? {} : { refreshLimitPerMinute: flags.refreshLimit }),
  };
  return {
    port: flags.port,
    host: flags.host,
    settings,
    remoteControl: flags.remoteControl ?? false,
    ...(flags.state === undefined ? {} : { stateFile: flags.state }),
    ...(flags.randomSeed === undefined ? {} : { randomSeed: flags.randomSeed }),
  };
}

/** `name=value`, the value as JSON where it is some, else as text. */
function collectSetting(text: string, before: Record<string, unknown> = {}) {
  const [, name, value = ''] = /^(\w+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError('It must look like name=value.');
  let read: unknown = value;
  try {
    read = JSON.parse(value);
  } catch {
    // A word such as rotate.
  }
  return { ...before, [name]: read };
}

async function readSeed(flags: SandboxFlags): Promise<SandboxSeed> {
  if (flags.seed !== undefined) return readSeedFile(flags.seed);
  return createSampleSeed({ customers: flags.accounts ?? 10, seed: flags.randomSeed ?? 1 });
}

async function readSeedFile(path: string): Promise<SandboxSeed> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw new KeyshiftError('config_invalid', `The seed file ${path} cannot be read (${reason}).`, {
      cause,
      fix: 'Check the path of the file.',
    });
  }
  let value: unknown;
  try {
    // JSON is YAML too, but its own parser is a hundred times faster.
    value = /^\s*\{/.test(text) ? parseJson(text) : undefined;
    value ??= (await import('yaml')).parse(text);
  } catch (cause) {
    // The parser's message quotes the text, which holds keys: only the place is told.
    const { linePos } = cause as { linePos?: readonly [{ line: number; col: number }] };
    const place = linePos ? ` (line ${linePos[0].line}, column ${linePos[0].col})` : '';
    throw new KeyshiftError(
      'config_invalid',
      `The seed file ${path} is neither YAML nor JSON${place}.`,
      { fix: 'Correct the file at that place; docs/sandbox.md shows an example.' },
    );
  }
  return parseSeed(value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What a program needs to use the sandbox. */
function describe({ url, authorizeUrl, tokenUrl, revokeUrl, apiUrl }: Sandbox, seed: SandboxSeed) {
  return {
    url,
    authorize_url: authorizeUrl,
    token_url: tokenUrl,
    revoke_url: revokeUrl,
    api_url: apiUrl,
    accounts: seed.accounts.length,
    private_key: firstKey(seed)?.key ?? null,
    apps: seed.apps.map(({ clientId, clientSecret, name, redirectUris, scopes }) => ({
      client_id: clientId,
      client_secret: clientSecret,
      name,
      redirect_uris: redirectUris,
      scopes,
    })),
  };
}

/** A key to try the API with. */
function firstKey(seed: SandboxSeed): { readonly key: string; readonly name: string } | undefined {
  const account = seed.accounts.find(({ keys }) => keys.length > 0);
  return account && { key: account.keys[0]?.key ?? '', name: account.name };
}

function welcome(terminal: Terminal, sandbox: Sandbox, seed: SandboxSeed): void {
  const [app] = seed.apps;
  const key = firstKey(seed);
  const { length } = seed.accounts;
  const accounts = `${length} ${length === 1 ? 'account' : 'accounts'}`;
  terminal.print(`Klaviyo sandbox at ${sandbox.url}, ${accounts}`);
  terminal.print(`  open  ${sandbox.url}/                what it holds, and controls`);
  terminal.print(`        ${sandbox.url}/_sandbox/help   what it can do`);
  if (app) {
    terminal.print(`  app   CLIENT_ID=${app.clientId}`);
    terminal.print(`        CLIENT_SECRET=${app.clientSecret}`);
    terminal.print(`        REDIRECT_URI=${app.redirectUris[0] ?? ''}`);
  }
  if (key) terminal.print(`  key   ${key.key} (${key.name})`);
  terminal.print(`  urls  KLAVIYO_AUTHORIZE_URL=${sandbox.authorizeUrl}`);
  terminal.print(`        KLAVIYO_TOKEN_URL=${sandbox.tokenUrl}`);
  terminal.print(`        KLAVIYO_REVOKE_URL=${sandbox.revokeUrl}`);
  terminal.print(`        KLAVIYO_API_URL=${sandbox.apiUrl}`);
  terminal.print('Press Ctrl-C to stop.');
}
