import { installApp } from './install-tokens.ts';
import type { SandboxContext } from '../context/sandbox-context.ts';
import type { SandboxSeed } from '../seed/seed.ts';

/** Installs what the seed says is installed, where it is not yet; with the seed's tokens if any. */
export function plantInstalls(context: SandboxContext, { installs = [] }: SandboxSeed): void {
  const { state } = context;
  for (const { accountId, clientId, scopes, accessToken, refreshToken } of installs) {
    if (state.install(clientId, accountId)) continue;
    installApp(context, {
      accountId,
      clientId,
      scopes: scopes ?? state.apps.get(clientId)?.scopes ?? [],
    });
    const planted = state.install(clientId, accountId);
    if (!planted) continue;
    state.putInstall({
      ...planted,
      accessTokens: planted.accessTokens.map((token) => ({
        ...token,
        token: accessToken ?? token.token,
      })),
      refreshTokens: planted.refreshTokens.map((token) => ({
        ...token,
        token: refreshToken ?? token.token,
      })),
    });
  }
}
