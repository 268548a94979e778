import type { SandboxContext } from '../context/sandbox-context.ts';
import type { SandboxAccount } from './sandbox-control.ts';
import type { AccessToken, Install } from '../state/install.ts';

/** Every account with what is installed in it. */
export function listAccounts({ state, clock }: SandboxContext): SandboxAccount[] {
  const installs = new Map<string, Install[]>();
  for (const install of state.installs()) {
    installs.set(install.accountId, [...(installs.get(install.accountId) ?? []), install]);
  }
  const nowMs = clock.now();
  return [...state.accounts.values()].map((account) => ({
    ...account,
    installs: (installs.get(account.id) ?? []).map((install) => ({
      clientId: install.clientId,
      scopes: install.scopes,
      installedAtMs: install.installedAtMs,
      liveAccessTokens: install.accessTokens.filter(({ expiresAtMs }) => expiresAtMs > nowMs)
        .length,
    })),
  }));
}

/** Ends the installs of an account, of one app or all; returns how many. */
export function uninstall({ state }: SandboxContext, accountId: string, clientId?: string): number {
  const ended = installsOf(state.installs(), accountId).filter(
    (install) => clientId === undefined || install.clientId === clientId,
  );
  for (const install of ended) state.removeInstall(install);
  return ended.length;
}

/** Expires the live access tokens of an account, or of all, now; returns how many. */
export function expireAccessTokens(context: SandboxContext, accountId?: string): number {
  const nowMs = context.clock.now();
  return changeAccessTokens(context, accountId, (token) => [{ ...token, expiresAtMs: nowMs }]);
}

/** Drops the live access tokens of an account, or of all; returns how many. */
export function invalidateAccessTokens(context: SandboxContext, accountId?: string): number {
  return changeAccessTokens(context, accountId, () => []);
}

function changeAccessTokens(
  { state, clock }: SandboxContext,
  accountId: string | undefined,
  change: (token: AccessToken) => AccessToken[],
): number {
  const nowMs = clock.now();
  let changed = 0;
  for (const install of installsOf(state.installs(), accountId)) {
    const accessTokens = install.accessTokens.flatMap((token) => {
      if (token.expiresAtMs <= nowMs) return [token];
      changed++;
      return change(token);
    });
    state.putInstall({ ...install, accessTokens });
  }
  return changed;
}

function installsOf(installs: readonly Install[], accountId: string | undefined): Install[] {
  return installs.filter((install) => accountId === undefined || install.accountId === accountId);
}
