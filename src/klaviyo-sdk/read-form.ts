import { PassThrough } from 'node:stream';
import { KeyshiftError } from '../errors/keyshift-error.ts';

/** A form of the package `form-data`, which the SDK uploads images with. */
export interface Form {
  getHeaders(): Record<string, string>;
  pipe(destination: NodeJS.WritableStream): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** Klaviyo takes images of 5 MB; whatever is larger is no image for it. */
const longestFormBytes = 16 * 1024 * 1024;

/** Whether a body is such a form. */
export function isForm(data: unknown): data is Form {
  if (typeof data !== 'object' || data === null) return false;
  const { getHeaders, pipe } = data as Partial<Record<keyof Form, unknown>>;
  return typeof getHeaders === 'function' && typeof pipe === 'function';
}

/**
 * Reads a form whole, files and all: what is held can be sent again after a refreshed token, and a
 * stream cannot.
 *
 * @throws KeyshiftError `request_invalid` when it is too long or a part of it cannot be read
 */
export async function readForm(form: Form): Promise<Buffer> {
  const sink = new PassThrough();
  form.on('error', (error) => sink.destroy(error));
  form.pipe(sink);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of sink as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > longestFormBytes) throw new RangeError('it is longer than 16 MiB');
      chunks.push(chunk);
    }
  } catch (cause) {
    const why = cause instanceof RangeError ? cause.message : 'a part of it cannot be read';
    throw new KeyshiftError('request_invalid', `The form cannot be sent: ${why}.`, { cause });
  }
  return Buffer.concat(chunks);
}
