import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino';
import { scrub } from './scrub.ts';
import { standardError } from './standard-error.ts';

/** Structured log lines; the last step before a line leaves removes anything token-like. */
export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error'> & {
  child(bindings: Record<string, unknown>): Logger;
};

/** Levels of `LOG_LEVEL`. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** How {@link createLogger} writes. */
export interface LoggerOptions {
  readonly level: LogLevel;
  /** One readable line an event, for a terminal, in place of JSON. */
  readonly readable?: boolean;
  /** Where lines go; standard error by default, so that standard output stays for answers. */
  readonly destination?: { write(line: string): unknown };
}

/**
 * Creates the logger. JSON lines by default, readable lines on a terminal.
 *
 * @example
 * ```ts
 * const logger = createLogger({ level: 'info' });
 * logger.info({ customer: 'acme' }, 'customer connected');
 * ```
 */
export function createLogger(options: LoggerOptions): Logger {
  const destination = options.destination ?? standardError;
  const stream: DestinationStream = {
    write: (line) => {
      destination.write(options.readable === true ? toReadableLine(line) : line);
    },
  };
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: scrub },
    },
    stream,
  );
}

function toReadableLine(line: string): string {
  const { time, level, msg, err, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const details = Object.entries(rest).map(([name, value]) => `${name}=${formatValue(value)}`);
  const clockTime = String(time).slice(11, 19);
  const failure = typeof err === 'object' && err !== null && 'message' in err ? err.message : err;
  if (failure !== undefined) details.push(`error=${formatValue(failure)}`);
  const message = typeof msg === 'string' ? msg : '';
  const text = [clockTime, String(level).padEnd(5), message, ...details].join(' ');
  // A message may hold a customer's own words: no forged lines, no colours of theirs.
  return `${text.replaceAll(/\p{C}/gu, ' ')}\n`;
}

function formatValue(value: unknown): string {
  return typeof value === 'string' && !/[\s"=]/.test(value) ? value : JSON.stringify(value);
}
