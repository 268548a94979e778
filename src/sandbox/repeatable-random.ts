import { createCipheriv, createHash, type Cipheriv } from 'node:crypto';
import type { Random } from '../runtime/random.ts';

/** Randomness for a sandbox: the machine's, or one that repeats itself. */
export interface SandboxRandom extends Random {
  /** Restarts the sequence; present only where it repeats itself. */
  readonly restart?: () => void;
}

/**
 * Creates randomness that repeats itself: the same number gives the same ids, keys and tokens in the
 * same order of requests, at whatever time. For a sandbox only, never for real secrets.
 */
export function createRepeatableRandom(seed: number): SandboxRandom {
  const key = createHash('sha256').update(`keyshift sandbox ${seed}`).digest();
  const begin = () => createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  let stream: Cipheriv = begin();
  const bytes = (size: number) => stream.update(Buffer.alloc(size));
  return {
    bytes,
    fraction: () => bytes(4).readUInt32LE() / 2 ** 32,
    id() {
      const hex = bytes(16).toString('hex');
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
    },
    restart: () => {
      stream = begin();
    },
  };
}
