import { z } from 'zod';

export interface AccessToken {
  readonly token: string;
  readonly scopes: readonly string[];
  readonly expiresAtMs: number;
}

/**
 * A refresh token. `live` works; `grace` was rotated and works once more; `replaced` was rotated
 * and is kept only so that its reuse is noticed.
 */
export interface RefreshToken {
  readonly token: string;
  /** Tokens that descend from one consent share a family. */
  readonly familyId: string;
  readonly status: 'live' | 'grace' | 'replaced';
  readonly lastUsedMs: number;
}

/** One app installed in one account. */
export interface Install {
  readonly clientId: string;
  readonly accountId: string;
  readonly installedAtMs: number;
  readonly scopes: readonly string[];
  readonly accessTokens: readonly AccessToken[];
  readonly refreshTokens: readonly RefreshToken[];
}

/** A code that waits to be exchanged. */
export interface AuthorizationCode {
  readonly code: string;
  readonly clientId: string;
  readonly accountId: string;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  readonly codeChallenge: string;
  readonly expiresAtMs: number;
}

const scopes = z.array(z.string());

export const installSchema: z.ZodType<Install> = z.object({
  clientId: z.string(),
  accountId: z.string(),
  installedAtMs: z.number(),
  scopes,
  accessTokens: z.array(z.object({ token: z.string(), scopes, expiresAtMs: z.number() })),
  refreshTokens: z.array(
    z.object({
      token: z.string(),
      familyId: z.string(),
      status: z.enum(['live', 'grace', 'replaced']),
      lastUsedMs: z.number(),
    }),
  ),
});

export const authorizationCodeSchema: z.ZodType<AuthorizationCode> = z.object({
  code: z.string(),
  clientId: z.string(),
  accountId: z.string(),
  redirectUri: z.string(),
  scopes,
  codeChallenge: z.string(),
  expiresAtMs: z.number(),
});
