import type { Random } from '../../runtime/random.ts';

const header = Buffer.from('{"alg":"RS256","typ":"JWT"}').toString('base64url');
const claimBytes = 117;
const signatureBytes = 256;

/**
 * Mints an access token: opaque, in the shape of Klaviyo's (a JWT of 536 characters). Its
 * signature is chance, so that nobody can be led to verify it.
 */
export function mintAccessToken(random: Random, expiresAtMs: number): string {
  const claims = { iss: 'sandbox', exp: Math.floor(expiresAtMs / 1_000), jti: '' };
  const idLength = claimBytes - JSON.stringify(claims).length;
  const jti = random
    .bytes(Math.ceil(idLength / 2))
    .toString('hex')
    .slice(0, idLength);
  const payload = Buffer.from(JSON.stringify({ ...claims, jti })).toString('base64url');
  return `${header}.${payload}.${random.bytes(signatureBytes).toString('base64url')}`;
}
