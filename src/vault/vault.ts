/** Where a sealed value lives. It is bound into the seal, so that a value moved elsewhere does not open. */
export interface SealContext {
  readonly table: string;
  readonly rowId: string;
  readonly column: string;
}

/** Seals values for the database and opens them again. */
export interface Vault {
  /** Id of the key that new values are sealed under. */
  readonly primaryKeyId: string;
  /** Returns `v1.<keyId>.<nonce>.<ciphertext+tag>`, each part base64url. */
  seal(plaintext: string, context: SealContext): string;
  /**
   * @throws KeyshiftError `seal_invalid` when the value has no prefix, was altered, or belongs
   * elsewhere; `keyring_mismatch` when its key is not in the keyring
   */
  open(sealed: string, context: SealContext): string;
}
