import { isIPv6 } from 'node:net';
import { isKeyshiftError, KeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from './clock.ts';

/** Slows down whoever tries credentials that nobody has, without a word to who has the right one. */
export interface GuessLimiter {
  /**
   * Runs the check of a credential, and counts it where it rejects with `unauthenticated` or
   * `invitation_invalid`, or where `isWrong` says so of its result. A check that finds the
   * credential right is never refused for what others did; past the limit it waits for its turn.
   *
   * @param address of the client, as a `ReadOrigin` tells it
   * @throws KeyshiftError `too_many_attempts` in place of what a wrong credential gets, once there
   * were too many of them; and when too many checks of this address wait already
   */
  check<Result>(
    address: string,
    check: () => Result | Promise<Result>,
    isWrong?: (result: Result) => boolean,
  ): Promise<Result>;
}

/** How strict a {@link GuessLimiter} is. */
export interface GuessLimits {
  /** Wrong credentials that one network may send in a minute before its checks take turns. */
  readonly failures: number;
  /** Checks of one network that then run at the same time, */
  readonly atOnce: number;
  /** each after so many milliseconds, */
  readonly pauseMs: number;
  /** and those that may wait for it. */
  readonly mostWaiting: number;
}

/**
 * For credentials that cannot be guessed, as keys and tokens of 128 bits and more: it keeps the
 * look-ups of one network from crowding out those of others.
 */
export const unguessable: GuessLimits = {
  failures: 30,
  atOnce: 8,
  pauseMs: 0,
  mostWaiting: 1_000,
};

const windowMs = 60_000;
const capacity = 10_000;

interface Failures {
  readonly sinceMs: number;
  count: number;
  running: number;
  readonly waiting: (() => void)[];
}

/** Creates the limiter, per source address (per /64 network for IPv6). */
export function createGuessLimiter(clock: Clock, limits: GuessLimits): GuessLimiter {
  const byNetwork = new Map<string, Failures>();

  function find(network: string): Failures | undefined {
    const failures = byNetwork.get(network);
    if (failures && clock.now() - failures.sinceMs < windowMs) return failures;
    byNetwork.delete(network);
    return undefined;
  }

  function refusal({ sinceMs }: Failures): KeyshiftError {
    const leftSec = Math.ceil((sinceMs + windowMs - clock.now()) / 1000);
    return new KeyshiftError(
      'too_many_attempts',
      'Too many unknown credentials from this address.',
      { retryAfterSec: Math.max(1, leftSec) },
    );
  }

  /** The error for a wrong credential past the limit. */
  function count(network: string): KeyshiftError | undefined {
    let failures = find(network);
    if (!failures) {
      if (byNetwork.size >= capacity) byNetwork.delete(byNetwork.keys().next().value ?? '');
      failures = { sinceMs: clock.now(), count: 0, running: 0, waiting: [] };
      byNetwork.set(network, failures);
    }
    failures.count += 1;
    return failures.count > limits.failures ? refusal(failures) : undefined;
  }

  async function takeTurn(failures: Failures): Promise<() => void> {
    if (failures.running < limits.atOnce) {
      failures.running += 1;
    } else {
      if (failures.waiting.length >= limits.mostWaiting) throw refusal(failures);
      await new Promise<void>((resolve) => failures.waiting.push(resolve));
    }
    if (limits.pauseMs > 0) await clock.sleep(limits.pauseMs);
    return () => {
      const next = failures.waiting.shift();
      if (next) next();
      else failures.running -= 1;
    };
  }

  return {
    async check(address, check, isWrong) {
      const network = networkOf(address);
      const failures = find(network);
      const endTurn =
        failures && failures.count >= limits.failures ? await takeTurn(failures) : undefined;
      let wrong: unknown;
      try {
        const result = await check();
        if (isWrong?.(result) !== true) return result;
        const refused = count(network);
        if (!refused) return result;
        wrong = refused;
      } catch (error) {
        const isGuess =
          isKeyshiftError(error, 'unauthenticated') || isKeyshiftError(error, 'invitation_invalid');
        wrong = (isGuess ? count(network) : undefined) ?? error;
      } finally {
        endTurn?.();
      }
      throw wrong;
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
