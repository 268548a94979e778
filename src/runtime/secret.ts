import { createHash, timingSafeEqual } from 'node:crypto';
import { inspect } from 'node:util';

/** The kinds of secret Keyshift handles; the kind is what a log shows in place of the value. */
export type SecretKind =
  | 'access_token'
  | 'refresh_token'
  | 'private_key'
  | 'client_secret'
  | 'code_verifier'
  | 'invitation_token'
  | 'service_token'
  | 'session_secret'
  | 'admin_password'
  | 'database_url'
  | 'smtp_password'
  | 'webhook_url'
  | 'webhook_secret';

/**
 * A secret string that does not print. `JSON.stringify`, `util.inspect`, template strings and the
 * logger see `[access_token]`; only {@link Secret.reveal} gives the value, so that every place
 * that uses one can be found by name.
 *
 * @example
 * ```ts
 * const token = new Secret('access_token', 'eyJ…');
 * `${token}`; // "[access_token]"
 * headers.authorization = `Bearer ${token.reveal()}`;
 * ```
 */
export class Secret<Kind extends SecretKind = SecretKind> {
  readonly kind: Kind;
  readonly #value: string;

  constructor(kind: Kind, value: string) {
    this.kind = kind;
    this.#value = value;
  }

  /** The value in clear. */
  reveal(): string {
    return this.#value;
  }

  /** Compares in constant time, whatever the lengths. */
  equals(other: Secret | string): boolean {
    return timingSafeEqual(
      digest(this.#value),
      digest(typeof other === 'string' ? other : other.reveal()),
    );
  }

  toString(): string {
    return `[${this.kind}]`;
  }

  toJSON(): string {
    return this.toString();
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

function digest(value: string): Buffer {
  return createHash('sha256').update(value).digest();
}
