import type { Random } from '../../runtime/random.ts';

const header = Buffer.from('{"alg":"RS256","typ":"JWT"}').toString('base64url');
const idLength = 91;
const signatureBytes = 256;

/**
 * Mints an access token: opaque, in the shape of Klaviyo's (a JWT of 536 characters). Its
 * signature is random, so that nobody can be led to verify it, and its claims say nothing: when a
 * token expires is told by `expires_in` alone.
 */
export function mintAccessToken(random: Random): string {
  const jti = random.bytes(46).toString('hex').slice(0, idLength);
  const payload = Buffer.from(JSON.stringify({ iss: 'sandbox', jti })).toString('base64url');
  return `${header}.${payload}.${random.bytes(signatureBytes).toString('base64url')}`;
}
