import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import type * as CliProgress from 'cli-progress';
import { loseErrorsOf, standardError } from '../runtime/standard-error.ts';

/** Where a command writes: answers to standard output, everything else to standard error. */
export interface Terminal {
  /** A line of the answer. */
  print(line?: string): void;
  /** A part of the answer, as it is. */
  write(text: string): void;
  /** A line beside the answer: progress, hints, warnings. */
  note(line: string): void;
  /** Whether a person sits here who can be asked. */
  readonly interactive: boolean;
  /** Asks a question beside the answer; true for a yes alone. */
  ask(question: string): Promise<boolean>;
  /** A bar on a terminal; elsewhere a line for every thousand, and twenty lines at most. */
  progress(label: string, total: number): ProgressBar;
  /**
   * A number that grows, where nobody knows how far: redrawn on a terminal, a line now and then
   * elsewhere, so that the log of a long job tells that it goes on.
   */
  counter(label: string): ProgressBar;
}

/** A bar that is moved while a long job runs. */
export interface ProgressBar {
  update(done: number): void;
  stop(): void;
}

/** The terminal of this process. */
export function createTerminal(
  streams: {
    readonly stdin?: NodeJS.ReadStream;
    readonly stdout: NodeJS.WriteStream;
    readonly stderr: NodeJS.WriteStream;
  } = process,
): Terminal {
  const { stdin, stdout, stderr } = streams;
  // One listener, however many terminals a process makes.
  stdout.removeListener('error', tellLostOutput);
  stdout.on('error', tellLostOutput);
  // Notes and progress that nobody can read end no work.
  loseErrorsOf(stderr);
  return {
    print: (line = '') => void stdout.write(`${showControls(line)}\n`),
    write: (text) => void stdout.write(showControls(text)),
    note: (line) => void stderr.write(`${showControls(line)}\n`),
    // Standard output may be piped: the question and its answer do not go through it.
    interactive: stdin?.isTTY === true && stderr.isTTY,
    ask: (question) =>
      stdin ? ask(stdin, stderr, showControls(question)) : Promise.resolve(false),
    counter: (label) => createCounter(stderr, label),
    progress(label, total) {
      if (!stderr.isTTY)
        return createLines(stderr, label, Math.max(1_000, Math.ceil(total / 20)), ` of ${total}`);
      const bar = new (loadProgress().SingleBar)({
        format: `${label.padEnd(22)} {bar} {value}/{total}`,
        stream: stderr,
        hideCursor: true,
        barCompleteChar: '█',
        barIncompleteChar: '░',
        barsize: 30,
      });
      bar.start(total, 0);
      return {
        update: (done) => {
          bar.update(done);
        },
        stop: () => {
          bar.stop();
        },
      };
    },
  };
}

/** Ctrl-C, Ctrl-D and anything that is not a yes is a no. */
function ask(
  input: NodeJS.ReadStream,
  output: NodeJS.WriteStream,
  question: string,
): Promise<boolean> {
  return new Promise((resolve) => {
    const lines = createInterface({ input, output });
    const end = (answer: boolean) => {
      resolve(answer);
      lines.close();
    };
    lines.on('SIGINT', () => {
      end(false);
    });
    lines.on('close', () => {
      resolve(false);
    });
    lines.question(question, (answer) => {
      end(/^y(es)?$/i.test(answer.trim()));
    });
  });
}

/** Characters that move the cursor, change colours, or turn the direction of what follows. */
const controls =
  /(?!\r?\n|\t)[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|[\u{e0000}-\u{e007f}]/gu;

/**
 * A text in which such characters can be seen and do nothing: names, addresses and errors hold
 * anybody's words. Written as in JSON, so that JSON keeps its meaning.
 */
function showControls(text: string): string {
  return text.replaceAll(controls, (found) =>
    Array.from({ length: found.length }, (_, at) => {
      const unit = found.charCodeAt(at).toString(16);
      return `\\u${unit.padStart(4, '0')}`;
    }).join(''),
  );
}

/** Only where a bar is drawn: a server draws none. */
function loadProgress(): typeof CliProgress {
  return createRequire(import.meta.url)('cli-progress') as typeof CliProgress;
}

function createCounter(stderr: NodeJS.WriteStream, label: string): ProgressBar {
  if (!stderr.isTTY) return createLines(stderr, label, 10_000);
  let shown = 0;
  return {
    update(done) {
      shown = done;
      stderr.write(`\r${label.padEnd(22)} ${done}`);
    },
    stop() {
      if (shown > 0) stderr.write('\n');
    },
  };
}

/** Where nobody watches, a line for every so many, and none for a short job. */
function createLines(
  stderr: NodeJS.WriteStream,
  label: string,
  every: number,
  ending = '',
): ProgressBar {
  let shown = 0;
  return {
    update(done) {
      if (Math.floor(done / every) > Math.floor(shown / every)) {
        stderr.write(`${label}: ${done}${ending}\n`);
      }
      shown = done;
    },
    stop: () => undefined,
  };
}

/**
 * A reader that has seen enough, as `head`, is no failure: the rest goes nowhere. An answer that a
 * full disk cut off is one; the work goes on to its end all the same.
 */
function tellLostOutput({ code = 'unknown' }: NodeJS.ErrnoException): void {
  if (code === 'EPIPE' || process.listeners('exit').includes(endAsFailed)) return;
  standardError.write(
    `keyshift: the output cannot be written (${code}). Fix: Free some space, then run the command again.\n`,
  );
  process.once('exit', endAsFailed);
}

function endAsFailed(exitCode: number): void {
  if (exitCode === 0) process.exitCode = 1;
}

/** Lays rows out in columns, each as wide as its longest cell; control characters are dropped. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  const cells = [header, ...rows].map((row) => row.map((cell) => cell.replace(/\p{C}/gu, '')));
  const widths = header.map((_name, column) =>
    Math.max(...cells.map((row) => width(row[column] ?? ''))),
  );
  return cells.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - width(cell)))
      .join('  ')
      .trimEnd(),
  );
}

/** Characters as a reader counts them: an emoji or an accented letter is one. */
function width(text: string): number {
  return Array.from(new Intl.Segmenter().segment(text)).length;
}
