import { Readable } from 'node:stream';
import { KeyshiftError } from '../errors/keyshift-error.ts';

/** A body that can be sent again, or a stream, which cannot. */
export type ApiBody = string | Uint8Array | Readable;

/** Whatever the `fetch` of the web takes as a body, and Node's streams. */
export type ApiBodyInit =
  | ApiBody
  | ArrayBuffer
  | ArrayBufferView
  | URLSearchParams
  | FormData
  | Blob
  | ReadableStream
  | AsyncIterable<Uint8Array | string>;

/** A body as it is sent, and what kind it says it is. */
export interface ReadBody {
  readonly body: ApiBody;
  /** Used where the call names no `content-type`; absent where the body does not say. */
  readonly type?: string;
}

/**
 * Reads a body as a call gives it: whatever is held in memory can be sent again after a 401 or a
 * 429, and only streams cannot.
 *
 * @returns at once, but for forms and blobs
 * @throws KeyshiftError `request_invalid` for what is no body
 */
export function readBody(given: ApiBodyInit): ReadBody | Promise<ReadBody> {
  assertUnused(given);
  if (typeof given === 'string' || given instanceof Uint8Array || given instanceof Readable) {
    return { body: given };
  }
  if (ArrayBuffer.isView(given)) {
    return { body: new Uint8Array(given.buffer, given.byteOffset, given.byteLength) };
  }
  if (given instanceof ArrayBuffer) return { body: new Uint8Array(given) };
  if (given instanceof URLSearchParams) {
    return { body: given.toString(), type: 'application/x-www-form-urlencoded;charset=UTF-8' };
  }
  if (given instanceof FormData || given instanceof Blob) return readWhole(given);
  if (isAsyncIterable(given)) return { body: Readable.from(given, { objectMode: false }) };
  throw new KeyshiftError('request_invalid', `The body cannot be ${nameOf(given)}.`, {
    fix: 'Pass a string such as JSON.stringify(…) returns, bytes, a form, a blob, or a stream.',
  });
}

/** A stream that was read before has nothing left: it would be sent as an empty body. */
function assertUnused(given: ApiBodyInit): void {
  const used =
    given instanceof Readable ? given.destroyed || given.readableEnded : isUsedOnTheWeb(given);
  if (!used) return;
  throw new KeyshiftError('request_invalid', 'The body stream has already been read or closed.', {
    fix: 'Open a new stream for each call.',
  });
}

/** Node tells it of streams of the web too, which its types leave out. */
function isUsedOnTheWeb(given: unknown): boolean {
  if (!(given instanceof ReadableStream)) return false;
  return given.locked || Readable.isDisturbed(given as unknown as Readable);
}

async function readWhole(given: FormData | Blob): Promise<ReadBody> {
  const whole = new Response(given);
  const type = whole.headers.get('content-type');
  const body = new Uint8Array(await whole.arrayBuffer());
  return type === null ? { body } : { body, type };
}

function isAsyncIterable(given: unknown): given is AsyncIterable<Uint8Array | string> {
  return typeof given === 'object' && given !== null && Symbol.asyncIterator in given;
}

function nameOf(given: unknown): string {
  if (typeof given !== 'object') return `a ${typeof given}`;
  return Array.isArray(given) ? 'a list' : `an object (${Object.prototype.toString.call(given)})`;
}
