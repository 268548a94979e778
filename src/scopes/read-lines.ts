import { createReadStream, ReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { KeyshiftError } from '../errors/keyshift-error.ts';

/**
 * Reads a text file line by line, in flat memory; `.gz` is unpacked on the way and `-` is standard
 * input.
 *
 * @param onBytes told how many bytes of the file were read since it was last told
 * @throws KeyshiftError `request_invalid` when the file cannot be read to its end
 */
export async function* readFileLines(
  file: string,
  onBytes: (count: number) => void = () => undefined,
): AsyncGenerator<string> {
  const raw: Readable = file === '-' ? process.stdin : createReadStream(file);
  const input: Readable = file.endsWith('.gz') ? raw.pipe(createGunzip()) : raw;
  let reported = 0;
  const report = () => {
    const read = raw instanceof ReadStream ? raw.bytesRead : 0;
    if (read > reported) onBytes(read - reported);
    reported = read;
  };
  const failed = new Promise<never>((_resolve, reject) => {
    raw.once('error', reject);
    input.once('error', reject);
  });
  // Looked at between the lines; a failure before the first one must not go unhandled.
  failed.catch(() => undefined);
  const lines = createInterface({ input, crlfDelay: Infinity })[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await Promise.race([lines.next(), failed]);
      if (next.done === true) return;
      report();
      yield next.value;
    }
  } catch (cause) {
    throw unreadableFile(file, cause);
  }
}

/** The error for a file that cannot be read, with the system's code for it. */
export function unreadableFile(file: string, cause: unknown): KeyshiftError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'not readable';
  return new KeyshiftError('request_invalid', `${file} cannot be read (${code}).`, {
    cause,
    fix: 'Check the path of the file.',
  });
}
