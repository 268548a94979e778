import type { Writable } from 'node:stream';

/**
 * Standard error as a place for lines that may be lost: a full disk under the log, or a reader of it
 * that went away, must not end a server that does its work. Once there is room again, lines come
 * through again.
 */
export const standardError = {
  write(text: string): void {
    loseErrorsOf(process.stderr);
    process.stderr.write(text);
  },
};

/** Lets lines be lost that a stream cannot write: without a listener its error ends the process. */
export function loseErrorsOf(stream: Writable): void {
  // One listener, however many loggers and terminals a process has.
  if (stream.listenerCount('error', lose) === 0) stream.on('error', lose);
}

function lose(): void {
  // The line is lost; see above.
}
