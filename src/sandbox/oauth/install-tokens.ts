import { randomToken } from '../../runtime/random.ts';
import { ulid } from '../ids.ts';
import type { SandboxContext } from '../context/sandbox-context.ts';
import type { Install, RefreshToken } from '../state/install.ts';
import { mintAccessToken } from './access-token.ts';

const dayMs = 24 * 3_600_000;

/** Replaced tokens an install remembers, so that their reuse is noticed. */
const rememberedReplacements = 100;

/** What the token endpoint hands out. */
export interface IssuedTokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly scopes: readonly string[];
}

/** Which app gets what in which account. */
export type Consent = Pick<Install, 'clientId' | 'accountId' | 'scopes'>;

/**
 * Installs the app in the account and issues the first pair. Consent for an account that has the
 * app upgrades its one install in place; whether pairs from before go on working is unknown at
 * Klaviyo and the setting `reauthorizationEndsTokens` here.
 */
export function installApp(context: SandboxContext, consent: Consent): IssuedTokens {
  const { state, clock, random, settings } = context;
  const nowMs = clock.now();
  const existing = state.install(consent.clientId, consent.accountId);
  const earlier = settings.reauthorizationEndsTokens ? undefined : existing;
  const refreshToken: RefreshToken = {
    token: randomToken(random, 48),
    familyId: ulid(random, nowMs),
    status: 'live',
    lastUsedMs: nowMs,
  };
  const install: Install = {
    clientId: consent.clientId,
    accountId: consent.accountId,
    installedAtMs: existing?.installedAtMs ?? nowMs,
    scopes: consent.scopes,
    accessTokens: earlier?.accessTokens ?? [],
    refreshTokens: [...(earlier?.refreshTokens ?? []), refreshToken],
  };
  return issue(context, install, refreshToken);
}

/**
 * Exchanges a refresh token for a pair, as the setting `rotation` says. Access tokens issued before
 * stay valid until their own expiry, unless `refreshEndsAccessTokens` is set.
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
  const { settings, clock } = context;
  if (used.lastUsedMs + settings.refreshTokenIdleDays * dayMs <= clock.now()) return undefined;
  const next = successor(context, used);
  const kept = install.refreshTokens.flatMap((token) =>
    token === used ? replacementOf(context, used) : [token],
  );
  const refreshed = {
    ...install,
    accessTokens: settings.refreshEndsAccessTokens ? [] : install.accessTokens,
    refreshTokens: forgetOldest([...kept, next]),
  };
  return { install, tokens: issue(context, refreshed, next) };
}

function issue(
  context: SandboxContext,
  install: Install,
  refreshToken: RefreshToken,
): IssuedTokens {
  const { clock, settings } = context;
  const nowMs = clock.now();
  // A token that never works is kept as one that is over.
  const expiresAtMs = settings.newAccessTokensWork
    ? nowMs + settings.accessTokenTtlSec * 1_000
    : nowMs;
  const token = mintAccessToken(context.random);
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
