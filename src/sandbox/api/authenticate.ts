import type { SandboxState } from '../state/sandbox-state.ts';
import type { Account } from '../state/account.ts';
import type { App } from '../state/app.ts';
import type { KeyScopes } from '../state/api-key.ts';

/** Who is calling, once the credential is known to be good. */
export interface Caller {
  /** `none` under `/client`, which needs no credential. */
  readonly credential: 'key' | 'oauth' | 'none';
  readonly account: Account;
  /** The app of a bearer token. */
  readonly app: App | undefined;
  readonly scopes: KeyScopes;
  /** Who shares rate limits: all keys of an account, or one app in one account. */
  readonly quota: string;
}

/** Klaviyo's two answers to a bad credential. */
export type AuthenticationFailure = 'not_authenticated' | 'authentication_failed';

/**
 * Finds out who is calling. A missing or unknown key is `not_authenticated`, a bad or expired
 * bearer token `authentication_failed` (both recorded live); so is a disabled key (assumed).
 */
export function authenticate(
  authorization: string | undefined,
  state: SandboxState,
  nowMs: number,
): Caller | AuthenticationFailure {
  const [, scheme = '', value = ''] = /^(\S+) +(\S+) *$/.exec(authorization ?? '') ?? [];
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return callerOfToken(value, state, nowMs) ?? 'authentication_failed';
    case 'klaviyo-api-key':
      return callerOfKey(value, state);
    default:
      return 'not_authenticated';
  }
}

function callerOfToken(token: string, state: SandboxState, nowMs: number): Caller | undefined {
  const install = state.installOfAccessToken(token);
  const issued = install?.accessTokens.find((candidate) => candidate.token === token);
  const account = state.accounts.get(install?.accountId ?? '');
  const app = state.apps.get(install?.clientId ?? '');
  if (!issued || issued.expiresAtMs <= nowMs || !account || !app) return undefined;
  const quota = `oauth:${app.clientId}:${account.id}`;
  return { credential: 'oauth', account, app, scopes: issued.scopes, quota };
}

function callerOfKey(value: string, state: SandboxState): Caller | AuthenticationFailure {
  const key = state.keys.get(value);
  const account = state.accounts.get(key?.accountId ?? '');
  if (!key || !account) return 'not_authenticated';
  if (key.status === 'disabled') return 'authentication_failed';
  return {
    credential: 'key',
    account,
    app: undefined,
    scopes: key.scopes,
    quota: `key:${account.id}`,
  };
}

/** Whoever calls `/client` for a company: its account, without a credential. */
export function callerOfCompany(companyId: string, state: SandboxState): Caller | undefined {
  const account = state.accounts.get(companyId);
  if (!account) return undefined;
  const quota = `client:${account.id}`;
  return { credential: 'none', account, app: undefined, scopes: 'full', quota };
}

/** The scopes of `needed` that a credential lacks. `:write` does not imply `:read`. */
export function lackingScopes(held: KeyScopes, needed: readonly string[]): string[] {
  if (held === 'full') return [];
  if (held === 'read-only') return needed.filter((scope) => !scope.endsWith(':read'));
  return needed.filter((scope) => !held.includes(scope));
}
