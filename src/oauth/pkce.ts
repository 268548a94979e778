import { createHash } from 'node:crypto';
import { type Random, randomToken } from '../runtime/random.ts';
import { Secret } from '../runtime/secret.ts';

/** A code verifier and the challenge derived from it (RFC 7636, method S256). */
export interface PkcePair {
  readonly codeVerifier: Secret<'code_verifier'>;
  readonly codeChallenge: string;
}

/** Creates a fresh pair; the verifier has 43 characters of the unreserved set. */
export function createPkcePair(random: Random): PkcePair {
  const verifier = randomToken(random);
  return {
    codeVerifier: new Secret('code_verifier', verifier),
    codeChallenge: createHash('sha256').update(verifier).digest('base64url'),
  };
}
