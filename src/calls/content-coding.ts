import type { Readable } from 'node:stream';
import { pipeline, type Transform } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from 'node:zlib';

const unpackers: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
};

/** What unpacks one coding after the other; empty where there is none, or one that is not known. */
function unpackersOf(coding: string): readonly (() => Transform)[] {
  const names = coding
    .toLowerCase()
    .split(',')
    .map((name) => name.trim());
  const known = names.filter((name) => name !== '' && name !== 'identity').reverse();
  const found = known.map((name) => (Object.hasOwn(unpackers, name) ? unpackers[name] : undefined));
  const unpack = found.filter((each) => each !== undefined);
  return unpack.length === found.length ? unpack : [];
}

/** Whether {@link unpack} can unpack a body of this coding. */
export function knowsCoding(coding: string): boolean {
  return unpackersOf(coding).length > 0;
}

/**
 * Unpacks a body by its `Content-Encoding` (RFC 9110 section 8.4), as the `fetch` of the web does
 * for calls that ask for one by `accept-encoding`. A coding that is not known leaves it as it is.
 */
export function unpackStream(packed: Readable, coding: string): Readable {
  let stream = packed;
  for (const create of unpackersOf(coding)) {
    // Whoever reads the end of it learns of every error.
    stream = pipeline(stream, create(), () => undefined);
  }
  return stream;
}

/**
 * {@link unpackStream} for a body that is held whole.
 *
 * @throws the error of zlib when the body is not what its coding says
 */
export async function unpack(packed: Buffer, coding: string): Promise<Buffer> {
  let bytes = packed;
  for (const create of unpackersOf(coding)) {
    // The answer to HEAD names the coding of what it leaves out.
    if (bytes.length === 0) break;
    bytes = await buffer(create().end(bytes));
  }
  return bytes;
}
