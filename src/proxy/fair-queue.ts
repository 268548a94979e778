import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from '../runtime/clock.ts';

/** Whose call it is: shares are counted for the account and, within it, for the connection. */
export interface Party {
  readonly account: string;
  readonly connection: string;
}

/** Whoever waits. */
export interface Patient {
  /** Ends the wait. Asked for only where there is one. */
  readonly signal: AbortSignal | undefined;
}

/** What {@link FairQueue} is made of. */
export interface FairQueueOptions {
  /** Units that can be taken at one time: places, bytes. */
  readonly capacity: number;
  /** Takers that may wait at one time. */
  readonly seats: number;
  /** What the units are, for the error: `connections to Klaviyo`. */
  readonly units: string;
  readonly clock: Clock;
}

interface Waiting {
  readonly party: Party;
  readonly amount: number;
  readonly admit: () => void;
}

/**
 * Something of which there is so much, shared so that nobody can take it all: a connection may take
 * more while it has less than half of what is free, and an account while it has less than all that
 * is free, so that one that is alone gets less than a third. The last eighth is for connections that
 * have nothing. Those who wait are served in turns, a connection at a time, and the seats
 * of the waiting are shared by the same rule.
 */
export class FairQueue {
  readonly #units: Shares;
  readonly #seats: Shares;
  readonly #name: string;
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Set<Waiting>>();

  constructor({ capacity, seats, units, clock }: FairQueueOptions) {
    this.#units = new Shares(capacity);
    this.#seats = new Shares(seats);
    this.#name = units;
    this.#clock = clock;
  }

  /**
   * Takes units: at once where that returns nothing, else when the promise resolves.
   *
   * @param untilMs when the wait is over, in milliseconds since the epoch
   * @throws KeyshiftError `proxy_busy` when there is no seat to wait in, or from the promise, when
   * the wait is over; or the reason of the signal
   */
  take(party: Party, amount: number, untilMs: number, patient: Patient): Promise<void> | undefined {
    // Whoever comes later does not overtake its own.
    if (!this.#waiting.has(party.connection) && this.tryTake(party, amount)) return undefined;
    if (!this.#seats.take(party, 1)) throw this.#busy();
    return this.#wait(party, amount, untilMs, patient.signal);
  }

  /** Takes units if they can be had now. */
  tryTake(party: Party, amount: number): boolean {
    return this.#units.take(party, amount);
  }

  /** Gives units back. */
  release(party: Party, amount: number): void {
    this.#units.release(party, amount);
    if (this.#waiting.size > 0) this.#admitNext();
  }

  #wait(
    party: Party,
    amount: number,
    untilMs: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        timer.cancel();
        signal?.removeEventListener('abort', onAbort);
        this.#seats.release(party, 1);
        this.#remove(waiting);
      };
      const onAbort = () => {
        leave();
        reject(signal?.reason as Error);
      };
      const timer = this.#clock.timer(untilMs - this.#clock.now(), () => {
        leave();
        reject(this.#busy());
      });
      const waiting: Waiting = {
        party,
        amount,
        admit: () => {
          leave();
          resolve();
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      const others = this.#waiting.get(party.connection);
      if (others) others.add(waiting);
      else this.#waiting.set(party.connection, new Set([waiting]));
    });
  }

  #remove(waiting: Waiting): void {
    const { connection } = waiting.party;
    const others = this.#waiting.get(connection);
    others?.delete(waiting);
    if (others?.size === 0) this.#waiting.delete(connection);
  }

  /** Admits whoever may take something now. One that has more waiting goes behind all others. */
  #admitNext(): void {
    for (const [connection, others] of this.#waiting) {
      const [first] = others;
      if (!first || !this.#units.take(first.party, first.amount)) continue;
      this.#waiting.delete(connection);
      if (others.size > 1) this.#waiting.set(connection, others);
      first.admit();
      if (this.#units.free <= 0) return;
    }
  }

  #busy(): KeyshiftError {
    return new KeyshiftError(
      'proxy_busy',
      `All ${this.#name} that this customer may use are taken.`,
      {
        retryAfterSec: 1,
      },
    );
  }
}

/** Counts what is taken of one thing, and by whom. */
class Shares {
  free: number;
  readonly #reserve: number;
  readonly #byAccount = new Map<string, number>();
  readonly #byConnection = new Map<string, number>();

  constructor(capacity: number) {
    this.free = capacity;
    this.#reserve = capacity / 8;
  }

  take({ account, connection }: Party, amount: number): boolean {
    const ofConnection = this.#byConnection.get(connection) ?? 0;
    const ofAccount = this.#byAccount.get(account) ?? 0;
    const free = ofConnection > 0 ? this.free - this.#reserve : this.free;
    if (amount > free || ofConnection * 2 >= free || ofAccount >= free) return false;
    this.free -= amount;
    this.#byConnection.set(connection, ofConnection + amount);
    this.#byAccount.set(account, ofAccount + amount);
    return true;
  }

  release({ account, connection }: Party, amount: number): void {
    this.free += amount;
    giveBack(this.#byConnection, connection, amount);
    giveBack(this.#byAccount, account, amount);
  }
}

function giveBack(counts: Map<string, number>, name: string, amount: number): void {
  const left = (counts.get(name) ?? 0) - amount;
  if (left > 0) counts.set(name, left);
  else counts.delete(name);
}
