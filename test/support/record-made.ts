import type { ErrorCode } from '../../src/errors/error-table.ts';
import type * as errorModule from '../../src/errors/keyshift-error.ts';
import type { KeyshiftErrorOptions } from '../../src/errors/keyshift-error.ts';
import type * as secretModule from '../../src/runtime/secret.ts';
import type { SecretKind } from '../../src/runtime/secret.ts';

/** Every secret and every error that the code under test made, oldest first. */
export interface Made {
  secrets: [kind: SecretKind, value: string][];
  errors: errorModule.KeyshiftError[];
}

/**
 * The module of `Secret`, whose secrets are noted as they are made: for `vi.mock`, which puts it
 * in place of the real one for the code under test too.
 *
 * @example
 * ```ts
 * const made = vi.hoisted((): Made => ({ secrets: [], errors: [] }));
 * vi.mock('../../src/runtime/secret.ts', async (importOriginal) =>
 *   (await import('../support/record-made.ts')).recordSecrets(await importOriginal(), made),
 * );
 * ```
 */
export function recordSecrets(original: typeof secretModule, made: Made): typeof secretModule {
  class RecordedSecret<Kind extends SecretKind> extends original.Secret<Kind> {
    constructor(kind: Kind, value: string) {
      super(kind, value);
      made.secrets.push([kind, value]);
    }
  }
  return { ...original, Secret: RecordedSecret };
}

/** The same for the module of `KeyshiftError`. */
export function recordErrors(original: typeof errorModule, made: Made): typeof errorModule {
  class RecordedError<Code extends ErrorCode> extends original.KeyshiftError<Code> {
    constructor(code: Code, message: string, options?: KeyshiftErrorOptions) {
      super(code, message, options);
      made.errors.push(this);
    }
  }
  return { ...original, KeyshiftError: RecordedError };
}
