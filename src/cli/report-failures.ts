import type { BatchResult } from './each-connection.ts';
import type { Terminal } from './terminal.ts';

/** Says for each connection that was left as it was why, and what to do. */
export function reportFailures(terminal: Terminal, { failures }: BatchResult): void {
  for (const { customerId, error } of failures) {
    terminal.note(`${customerId}: ${error.message} Fix: ${error.fix}`);
  }
}
