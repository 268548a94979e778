import type { TokenPair } from '../model/grant.ts';

/** A token answer as OAuth writes it (RFC 6749 section 5.1). Holds tokens: never cache, never log. */
export interface TokenJson {
  readonly access_token: string;
  readonly token_type: 'bearer';
  readonly expires_in?: number;
  readonly refresh_token: string;
  readonly scope?: string;
}

/** Writes a pair as the seed demo answers it. */
export function toTokenJson(pair: TokenPair, nowMs: number): TokenJson {
  return {
    access_token: pair.accessToken.reveal(),
    token_type: 'bearer',
    ...(pair.expiresAtMs === undefined
      ? {}
      : { expires_in: Math.max(0, Math.round((pair.expiresAtMs - nowMs) / 1000)) }),
    refresh_token: pair.refreshToken.reveal(),
    ...(pair.scope === '' ? {} : { scope: pair.scope }),
  };
}

/** Headers of every answer that holds a token (RFC 6749 section 5.1). */
export const tokenHeaders = { 'cache-control': 'no-store', pragma: 'no-cache' } as const;
