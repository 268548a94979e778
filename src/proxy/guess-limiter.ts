import { isIPv6 } from 'node:net';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from '../runtime/clock.ts';

/** Slows down whoever tries credentials that nobody has; callers that are known never meet it. */
export interface GuessLimiter {
  /**
   * To be passed before a credential that is not known yet is looked up.
   *
   * @throws KeyshiftError `too_many_attempts`
   */
  admit(address: string): Promise<void> | undefined;
  /**
   * Counts a credential that was not found.
   *
   * @throws KeyshiftError `too_many_attempts` once there were too many
   */
  fail(address: string): void;
}

/** Failures that one address may have in a minute. */
export const guessesPerMinute = 30;
const windowMs = 60_000;
/** Past the limit a look-up waits, and only so many wait: at most 80 guesses a second. */
const pauseMs = 250;
const mostWaiting = 20;
const capacity = 10_000;

interface Failures {
  readonly sinceMs: number;
  count: number;
  waiting: number;
}

/**
 * Creates the limiter, per source address (per /64 network for IPv6). A right credential from an
 * address past its limit is delayed at its first use and then known: a busy neighbour behind the
 * same address locks nobody out.
 */
export function createGuessLimiter(clock: Clock): GuessLimiter {
  const byNetwork = new Map<string, Failures>();

  function find(network: string): Failures | undefined {
    const failures = byNetwork.get(network);
    if (failures && clock.now() - failures.sinceMs < windowMs) return failures;
    byNetwork.delete(network);
    return undefined;
  }

  function refuse({ sinceMs }: Failures): KeyshiftError {
    const leftSec = Math.ceil((sinceMs + windowMs - clock.now()) / 1000);
    return new KeyshiftError(
      'too_many_attempts',
      'Too many unknown credentials from this address.',
      {
        retryAfterSec: Math.max(1, leftSec),
      },
    );
  }

  async function wait(failures: Failures): Promise<void> {
    failures.waiting += 1;
    try {
      await clock.sleep(pauseMs);
    } finally {
      failures.waiting -= 1;
    }
  }

  return {
    admit(address) {
      const failures = find(networkOf(address));
      if (!failures || failures.count < guessesPerMinute) return undefined;
      if (failures.waiting >= mostWaiting) throw refuse(failures);
      return wait(failures);
    },
    fail(address) {
      const network = networkOf(address);
      let failures = find(network);
      if (!failures) {
        if (byNetwork.size >= capacity) byNetwork.delete(byNetwork.keys().next().value ?? '');
        failures = { sinceMs: clock.now(), count: 0, waiting: 0 };
        byNetwork.set(network, failures);
      }
      failures.count += 1;
      if (failures.count > guessesPerMinute) throw refuse(failures);
    },
  };
}

/** An IPv6 caller has a whole /64 of addresses to itself. */
function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  // `::` stands for as many zeros as make eight groups; a dotted end is two of them.
  const [head = '', tail] = address.split('::', 2);
  const groups = head === '' ? [] : head.split(':');
  if (tail === undefined) return groups.slice(0, 4).join(':');
  const behind = tail === '' ? 0 : tail.split(':').length + (tail.includes('.') ? 1 : 0);
  const zeros = Array.from({ length: Math.max(0, 8 - groups.length - behind) }, () => '0');
  return [...groups, ...zeros, ...tail.split(':')].slice(0, 4).join(':');
}
