import { pino } from 'pino';
import { createLogger, type Logger } from '../../src/runtime/logger.ts';

/** Log lines as they leave, and as they would leave without the last scrubber. */
export interface CollectedLines {
  readonly scrubbed: string[];
  readonly raw: string[];
}

/** A logger at level `debug` that keeps its lines: through the real one, and past its scrubber. */
export function createCollectingLogger(): {
  readonly logger: Logger;
  readonly lines: CollectedLines;
} {
  const lines: CollectedLines = { scrubbed: [], raw: [] };
  const real = createLogger({
    level: 'debug',
    destination: { write: (line) => lines.scrubbed.push(line) },
  });
  const bare = pino({ level: 'debug' }, { write: (line) => void lines.raw.push(line) });
  return { logger: tee([real, bare]), lines };
}

type LogMethod = (...details: unknown[]) => void;

function tee(loggers: readonly Logger[]): Logger {
  const all = (level: 'debug' | 'info' | 'warn' | 'error'): Logger['info'] => {
    const write: LogMethod = (...details) => {
      for (const logger of loggers) Reflect.apply(logger[level], logger, details);
    };
    return write;
  };
  return {
    debug: all('debug'),
    info: all('info'),
    warn: all('warn'),
    error: all('error'),
    child: (bindings) => tee(loggers.map((logger) => logger.child(bindings))),
  };
}
