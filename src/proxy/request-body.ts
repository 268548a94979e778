import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from '../runtime/clock.ts';

/** What a call carries: nothing, bytes that can be sent again, or a stream, which can be sent once. */
export type RequestBody = Buffer | Readable | null;

/** Bodies up to this size are held, so that a call can be repeated. */
export const heldBodyBytes = 256 * 1024;

/** All bodies that are held at one time; past it bodies go through without being held. */
const heldInAllBytes = 64 * 1024 * 1024;

/** For so long a caller may pause within a body: a connection to Klaviyo may be waiting for it. */
export const bodyPauseMs = 30_000;

/** Takes bodies from callers. */
export interface BodyReader {
  /**
   * The body of a call. One of unknown length is looked into until it is over or too large.
   *
   * @throws KeyshiftError `request_incomplete` when the caller stops in the middle of a held body
   */
  read(request: IncomingMessage): Promise<RequestBody>;
  /** Gives back the room of a held body. */
  release(body: RequestBody): void;
}

/**
 * Creates the reader; the room for held bodies is shared by all calls. It is taken before a body is
 * read: as many bytes as the call names, or as many as may be held where it names none.
 */
export function createBodyReader(clock: Clock): BodyReader {
  let heldBytes = 0;

  async function take(request: IncomingMessage, length: number): Promise<RequestBody> {
    if (length > heldBodyBytes || heldBytes + length > heldInAllBytes) {
      return passThrough(request, [], clock);
    }
    heldBytes += length;
    let kept = 0;
    try {
      const { chunks, size, ended } = await readUpTo(request, heldBodyBytes, clock);
      if (!ended) return passThrough(request, chunks, clock);
      kept = size;
      return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size);
    } finally {
      heldBytes += kept - length;
    }
  }

  return {
    async read(request) {
      const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
      if (length !== undefined) return length === '0' ? null : take(request, Number(length));
      return encoding === undefined ? null : take(request, heldBodyBytes);
    },
    release(body) {
      if (Buffer.isBuffer(body)) heldBytes -= body.length;
    },
  };
}

interface Begun {
  readonly chunks: Buffer[];
  readonly size: number;
  readonly ended: boolean;
}

/** Reads until the body is over, or larger than `most`; then the rest is left in the request. */
function readUpTo(request: IncomingMessage, most: number, clock: Clock): Promise<Begun> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = clock.timer(bodyPauseMs, () => {
      fail();
    });
    const onData = (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      timer.restart();
      if (size > most) finish(false);
    };
    const onEnd = () => {
      finish(true);
    };
    const fail = () => {
      stop();
      reject(incomplete());
    };
    const stop = () => {
      timer.cancel();
      request.off('data', onData).off('end', onEnd).off('close', fail).off('error', fail);
    };
    const finish = (ended: boolean) => {
      stop();
      if (!ended) request.pause();
      resolve({ chunks, size, ended });
    };
    request.on('data', onData).on('end', onEnd).on('close', fail).on('error', fail);
  });
}

/**
 * The body as a stream of its own: undici destroys what it sends, and destroying the request
 * would take the caller's connection and with it the answer. What is not wanted is read away.
 */
function passThrough(request: IncomingMessage, begun: Buffer[], clock: Clock): Readable {
  const body = new Readable({
    highWaterMark: 64 * 1024,
    read: () => {
      timer.restart();
      request.resume();
    },
    destroy: (error, done) => {
      timer.cancel();
      request.off('data', onData).off('end', onEnd).off('close', onClose);
      request.on('error', () => undefined);
      request.resume();
      done(error);
    },
  });
  const timer = clock.timer(bodyPauseMs, () => {
    // Klaviyo's side may be what is slow: then the caller is paused, and not to blame.
    if (request.isPaused()) timer.restart();
    else body.destroy(incomplete());
  });
  const onData = (chunk: Buffer) => {
    timer.restart();
    if (!body.push(chunk)) request.pause();
  };
  const onEnd = () => {
    timer.cancel();
    body.push(null);
  };
  const onClose = () => {
    if (!request.complete) body.destroy(incomplete());
  };
  for (const chunk of begun) body.push(chunk);
  // What had arrived in full when it was looked into has ended since.
  if (request.readableEnded) onEnd();
  else request.on('data', onData).on('end', onEnd).on('close', onClose);
  return body;
}

function incomplete(): KeyshiftError {
  return new KeyshiftError('request_incomplete', 'The request body was cut off.');
}
