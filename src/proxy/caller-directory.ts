import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { createRecentReads, routeAgeMs } from '../calls/recent-reads.ts';
import { isKeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from '../runtime/clock.ts';
import { randomToken, type Random } from '../runtime/random.ts';
import type { ReadOrigin } from '../runtime/request-origin.ts';
import type { Store } from '../store/store.ts';
import type { GuessLimiter } from './guess-limiter.ts';
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
  readonly limiter: GuessLimiter;
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
  const { store, serviceTokens, limiter, readOrigin, clock, random } = options;
  const pepper = randomToken(random);
  const callers = createRecentReads<ProxyTarget>({
    ...{ clock, maxAgeMs: routeAgeMs, capacity, version: () => store.version() },
  });

  async function lookUp(request: IncomingMessage, known: boolean): Promise<ProxyTarget> {
    const { address } = readOrigin(request);
    if (!known) await limiter.admit(address);
    try {
      return await identifyTarget(request.headers, store, serviceTokens);
    } catch (error) {
      if (!known && isKeyshiftError(error, 'unauthenticated')) limiter.fail(address);
      throw error;
    }
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
