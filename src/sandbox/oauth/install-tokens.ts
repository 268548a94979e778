import { randomToken } from '../../runtime/random.ts';
import { ulid } from '../ids.ts';
import type { SandboxContext } from '../sandbox-context.ts';
import type { AuthorizationCode, Install, RefreshToken } from '../state/records.ts';
import { mintAccessToken } from './access-token.ts';

/** A refresh token dies when it is not used for this long. */
export const refreshTokenIdleMs = 90 * 24 * 3_600_000;

/** Replaced tokens an install remembers, so that their reuse is noticed. */
const rememberedReplacements = 100;

/** What the token endpoint hands out. */
export interface IssuedTokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly scopes: readonly string[];
}

/**
 * Installs the app in the account and issues the first pair. Consent for an account that has the
 * app upgrades its one install in place; pairs from before go on working (unknown at Klaviyo).
 */
export function installApp(context: SandboxContext, code: AuthorizationCode): IssuedTokens {
  const { state, clock, random } = context;
  const nowMs = clock.now();
  const existing = state.install(code.clientId, code.accountId);
  const refreshToken: RefreshToken = {
    token: randomToken(random, 48),
    familyId: ulid(random, nowMs),
    status: 'live',
    lastUsedMs: nowMs,
  };
  const install: Install = {
    clientId: code.clientId,
    accountId: code.accountId,
    installedAtMs: existing?.installedAtMs ?? nowMs,
    scopes: code.scopes,
    accessTokens: existing?.accessTokens ?? [],
    refreshTokens: [...(existing?.refreshTokens ?? []), refreshToken],
  };
  return issue(context, install, refreshToken);
}

/**
 * Exchanges a refresh token for a pair, as the rotation mode says. Access tokens issued before
 * stay valid until their own expiry.
 *
 * @returns `undefined` when the token is not usable by this app (`invalid_grant`)
 */
export function refreshTokens(
  context: SandboxContext,
  clientId: string,
  presented: string,
): { readonly install: Install; readonly tokens: IssuedTokens } | undefined {
  const install = context.state.installOfRefreshToken(presented);
  const used = install?.refreshTokens.find(({ token }) => token === presented);
  if (!install || !used || install.clientId !== clientId) return undefined;
  if (used.status === 'replaced') {
    killFamily(context, install, used.familyId);
    return undefined;
  }
  if (used.lastUsedMs + refreshTokenIdleMs <= context.clock.now()) return undefined;
  const next = successor(context, used);
  const kept = install.refreshTokens.flatMap((token) =>
    token === used ? replacementOf(context, used) : [token],
  );
  const refreshed = { ...install, refreshTokens: forgetOldest([...kept, next]) };
  return { install, tokens: issue(context, refreshed, next) };
}

function issue(
  context: SandboxContext,
  install: Install,
  refreshToken: RefreshToken,
): IssuedTokens {
  const nowMs = context.clock.now();
  const expiresAtMs = nowMs + context.settings.accessTokenTtlSec * 1_000;
  const token = mintAccessToken(context.random, expiresAtMs);
  const alive = install.accessTokens.filter((issued) => issued.expiresAtMs > nowMs);
  context.state.putInstall({
    ...install,
    accessTokens: [...alive, { token, scopes: install.scopes, expiresAtMs }],
  });
  return { accessToken: token, refreshToken: refreshToken.token, scopes: install.scopes };
}

function successor({ settings, clock, random }: SandboxContext, used: RefreshToken): RefreshToken {
  const token = settings.rotation === 'none' ? used.token : randomToken(random, 48);
  return { token, familyId: used.familyId, status: 'live', lastUsedMs: clock.now() };
}

/** What stays of a token that was just used, beside its successor. */
function replacementOf({ settings }: SandboxContext, used: RefreshToken): RefreshToken[] {
  switch (settings.rotation) {
    case 'none':
    case 'rotate':
      return [];
    case 'rotate_with_reuse_detection':
      return [{ ...used, status: 'replaced' }];
    case 'rotate_with_grace':
      return used.status === 'live' ? [{ ...used, status: 'grace' }] : [];
    default:
      return settings.rotation satisfies never;
  }
}

function killFamily({ state }: SandboxContext, install: Install, familyId: string): void {
  const refreshTokens = install.refreshTokens.filter((token) => token.familyId !== familyId);
  state.putInstall({ ...install, refreshTokens });
}

function forgetOldest(tokens: readonly RefreshToken[]): RefreshToken[] {
  const excess = tokens.filter(({ status }) => status !== 'live').length - rememberedReplacements;
  let toForget = Math.max(0, excess);
  return tokens.filter(({ status }) => status === 'live' || toForget-- <= 0);
}
