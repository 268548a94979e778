import { createApiCaller } from '../../src/calls/api-caller.ts';
import type { ApiRequestInit } from '../../src/calls/api-call.ts';
import type { ApiResponse } from '../../src/calls/api-response.ts';
import { KeyCredential, OAuthCredential } from '../../src/calls/credentials.ts';
import type { CredentialSource } from '../../src/calls/driver.ts';
import { createRateWindows } from '../../src/calls/rate-windows.ts';
import type { Grant } from '../../src/model/grant.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { createHttpClient } from '../../src/runtime/http-client.ts';
import { systemRandom, type Random } from '../../src/runtime/random.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { createEagerClock, type EagerClock } from './eager-clock.ts';
import {
  startLoopbackServer,
  type Answer,
  type LoopbackServer,
  type ReceivedRequest,
} from './loopback-server.ts';

/** A credential of account AAA111 whose token is named after its generation. */
export function oauthCredential(generation: number): OAuthCredential {
  const accessToken = new Secret('access_token', `token-${generation}`);
  return OAuthCredential.pair('AAA111', { accessToken, accountId: 'AAA111', generation } as Grant);
}

/** A private key of account AAA111. */
export function keyCredential(): KeyCredential {
  const accountId = 'AAA111';
  const secret = new Secret('private_key', 'pk_0123456789abcdef');
  return KeyCredential.pair({ id: 'connection', accountId }, { accountId, secret })!;
}

/** A source that gives the first generation, and after each 401 the next one. */
export interface CountingSource extends CredentialSource {
  /** Generations that were refused, in order. */
  readonly refused: readonly number[];
}

/** Creates the source. */
export function createCountingSource(): CountingSource {
  const refused: number[] = [];
  let generation = 1;
  return {
    refused,
    pick: async () => oauthCredential(generation),
    renew: async (credential) => {
      refused.push(credential.generation);
      generation = Math.max(generation, credential.generation + 1);
    },
  };
}

/** A source that has a key and nothing else. */
export const keySource: CredentialSource = { pick: async () => keyCredential() };

/** An API caller in front of a server of the test's own. */
export interface CallerBench<SomeClock extends Clock = EagerClock> extends AsyncDisposable {
  readonly server: LoopbackServer;
  readonly clock: SomeClock;
  readonly source: CountingSource;
  /** Calls with the bench's source, or another. */
  call(
    target: string | URL,
    init?: ApiRequestInit,
    source?: CredentialSource,
  ): Promise<ApiResponse>;
  /** What arrived at the server. */
  readonly received: readonly ReceivedRequest[];
}

/** How {@link openCallerBench} differs from the usual. */
export interface CallerBenchOptions<SomeClock extends Clock> {
  readonly clock?: SomeClock;
  readonly random?: Random;
  /** In place of the server's own. */
  readonly apiUrl?: string;
}

/** Opens the bench; `answers` are given in turn, the last one again and again. */
export async function openCallerBench<SomeClock extends Clock = EagerClock>(
  answers: Answer | readonly Answer[],
  options: CallerBenchOptions<SomeClock> = {},
): Promise<CallerBench<SomeClock>> {
  const queue = typeof answers === 'function' ? [answers] : [...answers];
  const server = await startLoopbackServer((response, request) => {
    const answer = queue.length > 1 ? queue.shift() : queue[0];
    answer?.(response, request);
  });
  const http = createHttpClient();
  const clock = options.clock ?? (createEagerClock() as Clock as SomeClock);
  const caller = createApiCaller({
    dispatcher: http.dispatcher,
    apiUrl: options.apiUrl ?? server.url,
    revision: '2026-07-15',
    windows: createRateWindows(),
    clock,
    random: options.random ?? systemRandom,
  });
  const source = createCountingSource();
  return {
    server,
    clock,
    source,
    received: server.received,
    call: (target, init, other) => caller(other ?? source, target, init),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await http.close();
    },
  };
}

/** Takes the request and breaks the connection instead of answering. */
export const resetAnswer: Answer = (response) => response.destroy();

/** Takes the request and never answers. */
export const noAnswer: Answer = () => undefined;

/** An answer without a body. */
export function emptyAnswer(
  status: number,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return (response) => response.writeHead(status, headers).end();
}
