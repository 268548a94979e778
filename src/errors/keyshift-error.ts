import { errorTable, type ErrorCode, type ErrorCodeOf, type ErrorKind } from './error-table.ts';

/** Everything optional about a {@link KeyshiftError}. */
export interface KeyshiftErrorOptions {
  /** The error underneath, kept for the log. */
  readonly cause?: unknown;
  /** A more precise fix than the table's. */
  readonly fix?: string;
  /** Seconds to wait before trying again, when known. */
  readonly retryAfterSec?: number;
}

/** The JSON body of an error response. */
export interface ErrorBody {
  readonly error: ErrorCode;
  readonly error_description: string;
  readonly fix: string;
}

/**
 * The one error class of Keyshift. `code` and `kind` narrow; title, fix and HTTP status come from
 * {@link errorTable}. A message names what was wrong and never holds a secret.
 *
 * @example
 * ```ts
 * try {
 *   await keyshift.connection({ customerId: 'acme' }).accessToken();
 * } catch (error) {
 *   if (error instanceof KeyshiftError && error.code === 'grant_lost') invite('acme');
 *   else throw error;
 * }
 * ```
 */
export class KeyshiftError<Code extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'KeyshiftError';
  readonly code: Code;
  readonly fix: string;
  readonly retryAfterSec: number | undefined;

  constructor(code: Code, message: string, options: KeyshiftErrorOptions = {}) {
    super(message);
    if (options.cause !== undefined) {
      // Not enumerable, as in the language; printing goes through the method below.
      Object.defineProperty(this, 'cause', {
        value: options.cause,
        writable: true,
        configurable: true,
      });
    }
    this.code = code;
    this.fix = options.fix ?? errorTable[code].fix;
    this.retryAfterSec = options.retryAfterSec;
  }

  /** What the error is about: for decisions that are the same for several codes. */
  get kind(): (typeof errorTable)[Code]['kind'] {
    return errorTable[this.code].kind;
  }

  /** HTTP status of a response that carries this error. */
  get status(): number {
    return errorTable[this.code].status;
  }

  /** Headline for a page or a terminal. */
  get title(): string {
    return errorTable[this.code].title;
  }

  /**
   * The error for a terminal. Of the cause only name and code are shown: its message may repeat
   * what was sent. The log has the rest, scrubbed.
   */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    const stack = this.stack ?? `${this.name}: ${this.message}`;
    return this.cause === undefined
      ? `${stack} { code: '${this.code}' }`
      : `${stack} { code: '${this.code}', cause: ${describeCause(this.cause)} }`;
  }

  /** The error for whoever runs Keyshift: no stack, no cause. */
  toJSON(): ErrorBody {
    return { error: this.code, error_description: this.message, fix: this.fix };
  }

  /**
   * The error for whoever sent a request. What is wrong with the installation is for its operator
   * alone: messages of these kinds name hosts, files, rows and keys.
   */
  toPublicJSON(): ErrorBody {
    const kind: ErrorKind = this.kind;
    if (kind !== 'config' && kind !== 'storage' && kind !== 'internal') return this.toJSON();
    return {
      error: this.code,
      error_description: `${this.title}.`,
      fix: 'Try again later. Whoever runs this server finds the cause in its log, by the request ID.',
    };
  }
}

function describeCause(cause: unknown): string {
  if (!(cause instanceof Error)) return typeof cause;
  const { code } = cause as { code?: unknown };
  return typeof code === 'string' && /^\w+$/.test(code) ? `${cause.name} (${code})` : cause.name;
}

/** A {@link KeyshiftError} of one of several codes, so that `kind` and `code` narrow each other. */
export type KeyshiftErrorOf<Code extends ErrorCode> = {
  [Each in Code]: KeyshiftError<Each>;
}[Code];

/** Whether a value is a {@link KeyshiftError}, optionally of one code. */
export function isKeyshiftError<Code extends ErrorCode>(
  value: unknown,
  code?: Code,
): value is KeyshiftErrorOf<Code> {
  return value instanceof KeyshiftError && (code === undefined || value.code === code);
}

/**
 * Whether a value is a {@link KeyshiftError} of one of these kinds.
 *
 * @example
 * ```ts
 * if (isKind(error, 'upstream')) retryLater(error.retryAfterSec);
 * ```
 */
export function isKind<Kind extends ErrorKind>(
  value: unknown,
  ...kinds: readonly [Kind, ...Kind[]]
): value is KeyshiftErrorOf<ErrorCodeOf<Kind>> {
  return value instanceof KeyshiftError && kinds.some((kind) => kind === value.kind);
}
