import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { systemClock } from '../runtime/clock.ts';
import { systemRandom } from '../runtime/random.ts';
import { createApiErrors } from './api/api-error.ts';
import { createRateLimiter } from './api/rate-limiter.ts';
import { createFaultPlan } from './faults/fault-plan.ts';
import { listen, stopListening } from './http/listen.ts';
import { createRefreshLimiter } from './oauth/refresh-limiter.ts';
import { createRequestLog } from './request-log.ts';
import type { SandboxContext } from './sandbox-context.ts';
import {
  expireAccessTokens,
  invalidateAccessTokens,
  listAccounts,
  uninstall,
} from './sandbox-control.ts';
import type { Sandbox, SandboxOptions } from './sandbox-options.ts';
import { serveRequest } from './serve-request.ts';
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
  const server = createServer();
  const url = await listen(server, options.port ?? 0, options.host ?? 'localhost');
  const context = createContext(options, state, url);
  const log = createRequestLog();
  const faults = createFaultPlan(context.random);
  const saver = options.stateFile
    ? createStateSaver(options.stateFile, () => state.toData())
    : undefined;
  const closing = new AbortController();

  server.on('request', (incoming: IncomingMessage, response: ServerResponse) => {
    const changed = () => saver?.touch();
    void serveRequest(
      { context, log, faults, changed, signal: closing.signal },
      incoming,
      response,
    );
  });
  server.on('connect', (_request, socket) => {
    socket.end('HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  });

  const touched = (count: number) => {
    saver?.touch();
    return count;
  };
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
    accounts: () => listAccounts(context),
    requests: log.requests,
    statistics: log.statistics,
    uninstall: (accountId, clientId) => touched(uninstall(context, accountId, clientId)),
    expireAccessTokens: (accountId) => touched(expireAccessTokens(context, accountId)),
    invalidateAccessTokens: (accountId) => touched(invalidateAccessTokens(context, accountId)),
    addFault: faults.add,
    clearFaults: faults.clear,
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

function createContext(options: SandboxOptions, state: SandboxState, url: string): SandboxContext {
  const { clock = systemClock, random = systemRandom } = options;
  return {
    state,
    clock,
    random,
    settings: {
      accessTokenTtlSec: options.accessTokenTtlSec ?? 3_600,
      rotation: options.rotation ?? 'none',
    },
    limiter: options.limits === false ? undefined : createRateLimiter(clock),
    refreshLimiter:
      options.refreshLimitPerMinute === undefined
        ? undefined
        : createRefreshLimiter(clock, options.refreshLimitPerMinute),
    errors: createApiErrors(random),
    origin: url,
  };
}
