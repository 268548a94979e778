import { systemClock } from '../runtime/clock.ts';
import { createControl } from './control/create-control.ts';
import type { SandboxControl } from './control/sandbox-control.ts';
import { createEngine } from './engine.ts';
import { createApp } from './create-app.ts';
import { listen } from './http/node-server.ts';
import type { SandboxOptions } from './sandbox-options.ts';
import { createSampleSeed } from './seed/sample-seed.ts';
import { mergeSeed, seedData } from './seed/seed-data.ts';
import { parseSeed } from './seed/parse-seed.ts';
import type { SandboxSeed } from './seed/seed.ts';
import type { SandboxData } from './state/sandbox-data.ts';
import { createStateSaver, loadState } from './state/state-file.ts';

/** A running sandbox: a stateful stand-in for Klaviyo on this machine. */
export interface Sandbox extends SandboxControl, AsyncDisposable {
  /** Origin, without a trailing slash. */
  readonly url: string;
  readonly authorizeUrl: string;
  readonly tokenUrl: string;
  readonly revokeUrl: string;
  /** Origin of the API: the same as {@link Sandbox.url}. */
  readonly apiUrl: string;
  /** Stops at once: open connections break, the state file is written. */
  close(): Promise<void>;
}

/**
 * Starts a stateful stand-in for Klaviyo's OAuth and API on this machine.
 *
 * @throws {@link KeyshiftError} `config_invalid` for a wrong seed or state file, `port_in_use`
 *
 * @example
 * ```ts
 * await using sandbox = await startSandbox({ seed: createSampleSeed({ customers: 3 }) });
 * const location = await approveConsent(authorizationUrl, { account: 'AbC123' });
 * ```
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const seed = options.seed === undefined ? sampleSeed(options) : parseSeed(options.seed);
  return startSeeded(seed, options);
}

/** Starts a sandbox with a seed that was checked already: a hundred thousand accounts take time. */
export async function startSeeded(seed: SandboxSeed, options: SandboxOptions): Promise<Sandbox> {
  const earlier = await loadEarlier(options, seed);
  let url = '';
  const saver = options.stateFile
    ? createStateSaver(options.stateFile, () => engine.context.state.toData())
    : undefined;
  const engine = createEngine(options, {
    seed,
    earlier,
    origin: () => url,
    changed: () => saver?.touch(),
  });
  const control = createControl(engine);
  const closing = new AbortController();
  const app = createApp({
    engine,
    control,
    signal: closing.signal,
    remoteControl: options.remoteControl ?? false,
  });
  const server = await listen((request, connection) => app.fetch(request, connection), {
    port: options.port ?? 0,
    host: options.host ?? 'localhost',
  });
  url = server.origin;

  const close = async () => {
    closing.abort();
    await server.stop();
    // What was taken on has happened when the sandbox starts again.
    engine.settledData();
    await saver?.close();
  };
  return {
    url,
    authorizeUrl: `${url}/oauth/authorize`,
    tokenUrl: `${url}/oauth/token`,
    revokeUrl: `${url}/oauth/revoke`,
    apiUrl: url,
    ...control,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function sampleSeed({ randomSeed = 1 }: SandboxOptions): SandboxSeed {
  return createSampleSeed({ customers: 10, seed: randomSeed });
}

/** What the state file holds, with the seed laid over it where one was given. */
async function loadEarlier(
  { seed: given, stateFile, clock = systemClock }: SandboxOptions,
  seed: SandboxSeed,
): Promise<SandboxData | undefined> {
  const earlier = stateFile === undefined ? undefined : await loadState(stateFile);
  return earlier && given ? mergeSeed(earlier, seedData(seed, clock.now())) : earlier;
}
