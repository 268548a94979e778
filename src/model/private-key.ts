/** What is known about a stored private key without opening it. */
export interface PrivateKeyInfo {
  readonly connectionId: string;
  /** False once the sealed key is destroyed; its blind index stays, as the caller's name. */
  readonly present: boolean;
  readonly createdAtMs: number;
  readonly lastUsedAtMs: number | undefined;
  readonly destroyedAtMs: number | undefined;
}
