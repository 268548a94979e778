import { randomBytes, randomUUID } from 'node:crypto';

/** Randomness, passed in so that tests and rehearsals can repeat a run. */
export interface Random {
  /** `size` unpredictable bytes. */
  bytes(size: number): Buffer;
  /** A fresh row id (UUID). */
  id(): string;
  /** A number in [0, 1) for jitter; never for anything secret. */
  fraction(): number;
}

/** The operating system's randomness: the only place that reads it. */
export const systemRandom: Random = {
  bytes: (size) => randomBytes(size),
  id: () => randomUUID(),
  fraction: () => randomBytes(4).readUInt32LE() / 2 ** 32,
};

/** A URL-safe random string that holds `size` bytes of entropy (32 by default). */
export function randomToken(random: Random, size = 32): string {
  return random.bytes(size).toString('base64url');
}
