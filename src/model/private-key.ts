import type { PrivateKey } from '../klaviyo/private-key.ts';

/** A private key as it is stored. */
export interface StoredKey {
  readonly secret: PrivateKey;
  /** The account that Klaviyo named for this very key; absent until it was asked. */
  readonly accountId: string | undefined;
}

/** That a connection holds or held a key. */
export interface KeyHolding {
  readonly connectionId: string;
  /** As of {@link StoredKey}; it outlives the key. */
  readonly accountId: string | undefined;
}

/** What is known about a stored private key without opening it. */
export interface PrivateKeyInfo {
  readonly connectionId: string;
  /** False once the sealed key is destroyed; its blind index stays, as the caller's name. */
  readonly present: boolean;
  /** The account that it was proved for. */
  readonly accountId: string | undefined;
  readonly createdAtMs: number;
  readonly lastUsedAtMs: number | undefined;
  readonly destroyedAtMs: number | undefined;
}
