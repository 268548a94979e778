/**
 * Standard error as a place for lines that may be lost: a full disk under the log, or a reader of it
 * that went away, must not end a server that does its work. Once there is room again, lines come
 * through again.
 */
export const standardError = {
  write(text: string): void {
    const { stderr } = process;
    // One listener, however many loggers a process has: without any, an error ends the process.
    if (!stderr.listeners('error').includes(lose)) stderr.on('error', lose);
    stderr.write(text);
  },
};

function lose(): void {
  // The line is lost; see above.
}
