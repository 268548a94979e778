import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { createRecentReads, routeAgeMs } from '../calls/recent-reads.ts';
import type { Clock } from '../runtime/clock.ts';
import type { GuessLimiter } from '../runtime/guess-limiter.ts';
import { randomToken, type Random } from '../runtime/random.ts';
import type { ReadOrigin } from '../runtime/request-origin.ts';
import type { Store } from '../store/store.ts';
import { identifyTarget, type NamedToken, type ProxyTarget } from './proxy-caller.ts';

/** Tells whom a call is for. */
export interface CallerDirectory {
  /**
   * Gives what tells whom a call is for, now or later: read afresh, within the age that a route may
   * have. It throws and rejects as {@link identifyTarget} does.
   */
  caller(request: IncomingMessage): () => ProxyTarget | Promise<ProxyTarget>;
}

/** What {@link createCallerDirectory} works with. */
export interface CallerDirectoryOptions {
  readonly store: Store;
  readonly serviceTokens: readonly NamedToken[];
  readonly guesses: GuessLimiter;
  readonly readOrigin: ReadOrigin;
  readonly clock: Clock;
  readonly random: Random;
}

const capacity = 50_000;

/**
 * Creates the directory. Callers are remembered by a hash under a secret of this process: how
 * long a look-up takes tells nothing about a credential, and none stands in memory in clear.
 */
export function createCallerDirectory(options: CallerDirectoryOptions): CallerDirectory {
  const { store, serviceTokens, guesses, readOrigin, clock, random } = options;
  const pepper = randomToken(random);
  const callers = createRecentReads<ProxyTarget>({
    ...{ clock, maxAgeMs: routeAgeMs, capacity, version: () => store.version() },
  });

  function lookUp(request: IncomingMessage, known: boolean): Promise<ProxyTarget> {
    const identify = () => identifyTarget(request.headers, store, serviceTokens);
    return known ? identify() : guesses.check(readOrigin(request).address, identify);
  }

  return {
    caller(request) {
      const { headers } = request;
      const named = [
        pepper,
        headers.authorization,
        headers['keyshift-account'],
        headers['keyshift-customer'],
      ].join('\n');
      const name = hash('sha256', named, 'base64');
      return () => callers.get(name, () => lookUp(request, callers.has(name)));
    },
  };
}
