import { describe, expect, it } from 'vitest';
import { systemRandom } from '../runtime/random.ts';
import { createPkcePair } from './pkce.ts';

/** RFC 7636 appendix B. */
const octets = [
  116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212, 37, 77, 105,
  214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121,
];

describe('createPkcePair', () => {
  it('makes the pair of RFC 7636 appendix B from its octets', () => {
    const pair = createPkcePair({ ...systemRandom, bytes: () => Buffer.from(octets) });
    expect(pair.codeVerifier.reveal()).toBe('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk');
    expect(pair.codeChallenge).toBe('E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM');
  });

  it('never makes the same verifier twice, each in the form that Klaviyo takes', () => {
    const verifiers = Array.from({ length: 200 }, () =>
      createPkcePair(systemRandom).codeVerifier.reveal(),
    );
    expect(new Set(verifiers).size).toBe(200);
    for (const verifier of verifiers) expect(verifier).toMatch(/^[a-zA-Z0-9\-._~]{43,128}$/);
  });

  it('shows the verifier to nobody who prints the pair', () => {
    const pair = createPkcePair(systemRandom);
    expect(JSON.stringify(pair)).not.toContain(pair.codeVerifier.reveal());
  });
});
