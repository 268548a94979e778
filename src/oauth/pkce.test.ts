import { expect, it } from 'vitest';
import { Secret } from '../runtime/secret.ts';
import { codeChallengeOf } from './pkce.ts';

it('makes the challenge of RFC 7636 appendix B from its verifier', () => {
  const verifier = new Secret('code_verifier', 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk');
  expect(codeChallengeOf(verifier)).toBe('E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM');
});
