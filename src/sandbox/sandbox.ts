import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { systemClock } from '../runtime/clock.ts';
import { createControl } from './control/create-control.ts';
import { createEngine } from './engine.ts';
import { listen, stopListening } from './http/listen.ts';
import type { Sandbox, SandboxOptions } from './sandbox-options.ts';
import { serveRequest, type Serving } from './serve-request.ts';
import { createSampleSeed } from './seed/sample-seed.ts';
import { mergeSeed, seedData } from './seed/seed-data.ts';
import { parseSeed } from './seed/seed.ts';
import { SandboxState } from './state/sandbox-state.ts';
import { createStateSaver, loadState } from './state/state-file.ts';

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
  const state = await loadOrSeed(options);
  let url = '';
  const saver = options.stateFile
    ? createStateSaver(options.stateFile, () => engine.context.state.toData())
    : undefined;
  const engine = createEngine(options, {
    state,
    origin: () => url,
    changed: () => saver?.touch(),
  });
  const control = createControl(engine);
  const closing = new AbortController();
  const serving: Serving = {
    engine,
    control,
    signal: closing.signal,
    remoteControl: options.remoteControl ?? false,
  };

  const server = createServer();
  server.on('request', (incoming: IncomingMessage, response: ServerResponse) => {
    void serveRequest(serving, incoming, response);
  });
  server.on('connect', (_request, socket) => {
    socket.end('HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  });

  url = await listen(server, options.port ?? 0, options.host ?? 'localhost');

  const close = async () => {
    closing.abort();
    await stopListening(server);
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

async function loadOrSeed({ seed, stateFile, clock }: SandboxOptions): Promise<SandboxState> {
  const nowMs = (clock ?? systemClock).now();
  const earlier = stateFile === undefined ? undefined : await loadState(stateFile);
  if (earlier && !seed) return new SandboxState(earlier);
  const seeded = seedData(parseSeed(seed ?? createSampleSeed({ customers: 10 })), nowMs);
  return new SandboxState(earlier ? mergeSeed(earlier, seeded) : seeded);
}
