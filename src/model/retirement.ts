/**
 * Why a sealed key could be destroyed: Klaviyo refused it, Klaviyo says it is disabled, or a
 * person took the responsibility.
 */
export type KeyProof = 'refused' | 'disabled' | 'none';

/** How far the end of a private key has come. */
export interface Retirement {
  readonly connectionId: string;
  /** When the connection became `quiet`. */
  readonly quietAtMs: number;
  readonly proof: KeyProof | undefined;
  readonly detail: string | undefined;
  readonly provedAtMs: number | undefined;
  readonly retiredAtMs: number | undefined;
}
