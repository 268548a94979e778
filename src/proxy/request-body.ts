import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import { FairQueue, type Party, type Patient } from './fair-queue.ts';

/** What a call carries: nothing, bytes that can be sent again, or a stream, which can be sent once. */
export type RequestBody = Buffer | Readable | null;

/** A body with the room that it takes. */
export interface TakenBody {
  readonly body: RequestBody;
  /** Gives the room back, once the call is over. */
  release(): void;
}

/** Bodies up to this size are held, so that a call can be repeated. */
export const heldBodyBytes = 256 * 1024;

/**
 * What is read of a body at once; Node keeps as much of one that nobody reads yet, and a stream as
 * much again between two readers.
 */
const readBytes = 64 * 1024;
const streamedBytes = 2 * readBytes;

/** Room for bodies that are held or streamed: 40 MiB. */
const roomBytes = 40 * 1024 * 1024;

/** Bodies that wait for room, with what Node has read of them: 24 MiB, which makes 64 in all. */
const waitingBodies = (24 * 1024 * 1024) / readBytes;

/** For so long a caller may pause within a body. */
export const bodyPauseMs = 30_000;

/** Takes bodies from callers. */
export interface BodyReader {
  /**
   * The body of a call, with room for it. One of unknown length is looked into until it is over or
   * too large to be held.
   *
   * @param untilMs when to stop waiting for room
   * @throws KeyshiftError `request_incomplete` when the caller stops in the middle of a held body,
   * `proxy_busy` when there is no room for it in time
   */
  read(
    request: IncomingMessage,
    party: Party,
    untilMs: number,
    patient: Patient,
  ): Promise<TakenBody>;
}

const nothing: TakenBody = { body: null, release: () => undefined };

/**
 * Creates the reader. Room is taken before a body is read, and shared fairly: as many bytes as the
 * call names where they are few enough to be held; for the others what it takes to stream them.
 */
export function createBodyReader(clock: Clock): BodyReader {
  const room = new FairQueue({
    capacity: roomBytes,
    seats: waitingBodies,
    units: 'room for request bodies',
    clock,
  });

  return {
    async read(request, party, untilMs, patient) {
      const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
      if (length === '0' || (length ?? encoding) === undefined) return nothing;
      const size = length === undefined ? undefined : Number(length);
      const held = size !== undefined && size <= heldBodyBytes;
      const taken = new Room(room, party, held ? size : streamedBytes);
      await taken.enter(untilMs, patient);
      try {
        if (size !== undefined && !held) return taken.with(passThrough(request, [], clock));
        const begun = await readBegin(request, size ?? streamedBytes, taken, clock);
        if (!begun.ended) return taken.with(passThrough(request, begun.chunks, clock));
        const [body = Buffer.alloc(0)] = begun.chunks;
        taken.resize(body.length);
        return taken.with(body);
      } catch (error) {
        taken.resize(0);
        throw error;
      }
    },
  };
}

/** The bytes of one call's body. */
class Room {
  readonly #room: FairQueue;
  readonly #party: Party;
  #bytes: number;

  constructor(room: FairQueue, party: Party, bytes: number) {
    this.#room = room;
    this.#party = party;
    this.#bytes = bytes;
  }

  enter(untilMs: number, patient: Patient): Promise<void> | undefined {
    return this.#room.take(this.#party, this.#bytes, untilMs, patient);
  }

  /** Takes more, or gives some back. Returns whether there was as much. */
  resize(bytes: number): boolean {
    const more = bytes - this.#bytes;
    if (more > 0 && !this.#room.tryTake(this.#party, more)) return false;
    if (more < 0) this.#room.release(this.#party, -more);
    this.#bytes = bytes;
    return true;
  }

  with(body: RequestBody): TakenBody {
    return { body, release: () => void this.resize(0) };
  }
}

interface Begun {
  /** One that holds it all, where the body has ended. */
  readonly chunks: readonly Buffer[];
  readonly ended: boolean;
}

/**
 * Reads until the body is over, or larger than what may be held or there is room for; then the rest
 * is left in the request. The bytes are copied: chunks as they come keep more memory than they show,
 * and one for each byte where a caller sends byte by byte.
 *
 * @param capacity what there is room for already
 */
function readBegin(
  request: IncomingMessage,
  capacity: number,
  room: Room,
  clock: Clock,
): Promise<Begun> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.allocUnsafe(Math.min(capacity, heldBodyBytes));
    let size = 0;
    const timer = clock.timer(bodyPauseMs, () => {
      stop();
      reject(stalled());
    });
    const onData = (chunk: Buffer) => {
      timer.restart();
      const whole = size + chunk.length;
      if (whole > bytes.length && (whole > heldBodyBytes || !grow())) {
        request.pause();
        finish({ chunks: [bytes.subarray(0, size), chunk], ended: false });
        return;
      }
      size += chunk.copy(bytes, size);
    };
    const grow = () => {
      if (!room.resize(heldBodyBytes + readBytes)) return false;
      const larger = Buffer.allocUnsafe(heldBodyBytes);
      bytes.copy(larger, 0, 0, size);
      bytes = larger;
      return true;
    };
    const onEnd = () => {
      finish({ chunks: [fit(bytes, size)], ended: true });
    };
    const fail = () => {
      stop();
      reject(cutOff());
    };
    const stop = () => {
      timer.cancel();
      request.off('data', onData).off('end', onEnd).off('close', fail).off('error', fail);
    };
    const finish = (begun: Begun) => {
      stop();
      resolve(begun);
    };
    request.on('data', onData).on('end', onEnd).on('close', fail).on('error', fail);
  });
}

/** The first bytes of a buffer, without keeping the whole where much of it is unused. */
function fit(bytes: Buffer, size: number): Buffer {
  return size === bytes.length ? bytes : Buffer.from(bytes.subarray(0, size));
}

/**
 * The body as a stream of its own: undici destroys what it sends, and destroying the request
 * would take the caller's connection and with it the answer. What is not wanted is read away. It
 * reads nothing before it is read itself: until then it may have to wait for a connection.
 */
function passThrough(request: IncomingMessage, begun: readonly Buffer[], clock: Clock): Readable {
  let timer: Timer | undefined;
  const body = new Readable({
    highWaterMark: readBytes,
    read: () => {
      if (timer) timer.restart();
      else begin();
      request.resume();
    },
    destroy: (error, done) => {
      timer?.cancel();
      request.off('data', onData).off('end', onEnd).off('close', onClose);
      request.on('error', () => undefined);
      request.resume();
      done(error);
    },
  });
  const begin = () => {
    timer = clock.timer(bodyPauseMs, () => {
      // Klaviyo's side may be what is slow: then the caller is paused, and not to blame.
      if (request.isPaused()) timer?.restart();
      else body.destroy(stalled());
    });
    for (const chunk of begun) body.push(chunk);
    // What had arrived in full when it was looked into has ended since.
    if (request.readableEnded) onEnd();
    else request.on('data', onData).on('end', onEnd).on('close', onClose);
  };
  const onData = (chunk: Buffer) => {
    timer?.restart();
    if (!body.push(chunk)) request.pause();
  };
  const onEnd = () => {
    timer?.cancel();
    body.push(null);
  };
  const onClose = () => {
    if (!request.complete) body.destroy(cutOff());
  };
  return body;
}

function cutOff(): KeyshiftError {
  return new KeyshiftError('request_incomplete', 'The request body was cut off.');
}

function stalled(): KeyshiftError {
  const message = `Nothing came of the request body for ${bodyPauseMs / 1000} seconds.`;
  return new KeyshiftError('request_incomplete', message);
}
