import { codeChallengeOf } from '../../src/oauth/pkce.ts';
import { randomToken, systemRandom } from '../../src/runtime/random.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { approveConsent } from '../../src/sandbox.ts';
import { send, tokensOf } from './answer.ts';
import type { FlowFixture } from './flow-fixture.ts';

/** Tokens of the same app that were obtained past Keyshift, so that its store knows nothing of them. */
export async function obtainForeignTokens(
  { sandbox, port, secrets }: FlowFixture,
  account: string,
) {
  const codeVerifier = new Secret('code_verifier', randomToken(systemRandom));
  const codeChallenge = codeChallengeOf(codeVerifier);
  const redirectUri = `http://localhost:${port}/auth/callback`;
  const authorizeUrl = new URL(sandbox.authorizeUrl);
  for (const [name, value] of Object.entries({
    response_type: 'code',
    client_id: 'flow-app',
    redirect_uri: redirectUri,
    scope: 'accounts:read profiles:read',
    state: 'elsewhere',
    code_challenge_method: 'S256',
    code_challenge: codeChallenge,
  })) {
    authorizeUrl.searchParams.set(name, value);
  }
  const callback = new URL(await approveConsent(authorizeUrl.href, { account }));
  const credentials = Buffer.from(`flow-app:${secrets.clientSecret}`).toString('base64');
  const answer = await send(sandbox.tokenUrl, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials}` },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: callback.searchParams.get('code') ?? '',
      redirect_uri: redirectUri,
      code_verifier: codeVerifier.reveal(),
    }),
  });
  return tokensOf(answer);
}
