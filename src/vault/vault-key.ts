import { createSecretKey, type KeyObject } from 'node:crypto';

/** Bytes of a vault key: AES-256. */
export const vaultKeyBytes = 32;

/** Ids of vault keys; they stand in clear in every sealed value. */
export const vaultKeyIdPattern = /^[A-Za-z0-9_-]{1,32}$/;

/** One key of the keyring. Printing it shows its id only. */
export class VaultKey {
  readonly id: string;
  readonly #key: KeyObject;

  /** Throws a `RangeError` when `bytes` is not {@link vaultKeyBytes} long; the bytes are copied. */
  constructor(id: string, bytes: Uint8Array) {
    if (bytes.byteLength !== vaultKeyBytes) {
      throw new RangeError(`A vault key is exactly ${vaultKeyBytes} bytes long.`);
    }
    this.id = id;
    this.#key = createSecretKey(bytes);
  }

  /** The key for a cipher. */
  reveal(): KeyObject {
    return this.#key;
  }
}
