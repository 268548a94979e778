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
/** Waiting checks of a network within its limit: as many as a burst of new callers may have. */
const mostOfBurst = 1_000;

/** What one network does within a minute. */
interface Attempts {
  readonly sinceMs: number;
  failed: number;
  running: number;
  readonly waiting: { readonly begin: () => void; readonly refuse: () => void }[];
}

/**
 * Creates the limiter, per source address (per /64 network for IPv6). Checks that run count as if
 * they failed, so that a burst of guesses has no more than guesses one by one.
 *
 * @param inTotal limits what all networks together may try, where many of them could guess
 */
export function createGuessLimiter(
  clock: Clock,
  limits: GuessLimits,
  inTotal?: GuessLimits,
): GuessLimiter {
  const total = inTotal && createGuessLimiter(clock, inTotal);
  const byNetwork = new Map<string, Attempts>();

  function find(network: string): Attempts {
    const known = byNetwork.get(network);
    if (known && clock.now() - known.sinceMs < windowMs) return known;
    byNetwork.delete(network);
    if (byNetwork.size >= capacity) byNetwork.delete(byNetwork.keys().next().value ?? '');
    const attempts: Attempts = { sinceMs: clock.now(), failed: 0, running: 0, waiting: [] };
    byNetwork.set(network, attempts);
    return attempts;
  }

  const isPastLimit = ({ failed }: Attempts) => failed >= limits.failures;

  function refusal({ sinceMs }: Attempts): KeyshiftError {
    const leftSec = Math.ceil((sinceMs + windowMs - clock.now()) / 1000);
    return new KeyshiftError(
      'too_many_attempts',
      'Too many unknown credentials from this address.',
      { retryAfterSec: Math.max(1, leftSec) },
    );
  }

  async function takeTurn(attempts: Attempts): Promise<void> {
    if (attempts.running < mostAtOnce(attempts)) {
      attempts.running += 1;
    } else {
      const mostWaiting = isPastLimit(attempts) ? limits.mostWaiting : mostOfBurst;
      if (attempts.waiting.length >= mostWaiting) throw refusal(attempts);
      await new Promise<void>((begin, reject) => {
        const refuse = () => {
          reject(refusal(attempts));
        };
        attempts.waiting.push({ begin, refuse });
      });
    }
    if (isPastLimit(attempts) && limits.pauseMs > 0) await clock.sleep(limits.pauseMs);
  }

  function endTurn(attempts: Attempts): void {
    attempts.running -= 1;
    if (isPastLimit(attempts)) {
      for (const { refuse } of attempts.waiting.splice(limits.mostWaiting)) refuse();
    }
    while (attempts.running < mostAtOnce(attempts)) {
      const next = attempts.waiting.shift();
      if (!next) return;
      attempts.running += 1;
      next.begin();
    }
  }

  const mostAtOnce = ({ failed }: Attempts) => Math.max(limits.atOnce, limits.failures - failed);

  return {
    async check(address, check, isWrong) {
      const attempts = find(networkOf(address));
      /** Counts a wrong credential; past the limit, gives the error for it. */
      const count = () => {
        attempts.failed += 1;
        return attempts.failed > limits.failures ? refusal(attempts) : undefined;
      };
      await takeTurn(attempts);
      let refused: KeyshiftError | undefined;
      try {
        const result = await (total ? total.check('', check, isWrong) : check());
        if (isWrong?.(result) === true) refused = count();
        if (!refused) return result;
      } catch (error) {
        if (isGuess(error)) refused = count();
        if (!refused) throw error;
      } finally {
        endTurn(attempts);
      }
      throw refused;
    },
  };
}

function isGuess(error: unknown): boolean {
  return (
    isKeyshiftError(error, 'unauthenticated') ||
    isKeyshiftError(error, 'invitation_invalid') ||
    // One too many of all networks together.
    isKeyshiftError(error, 'too_many_attempts')
  );
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
