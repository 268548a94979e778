import { KeyshiftError } from '../../errors/keyshift-error.ts';
import { randomToken } from '../../runtime/random.ts';
import { installApp } from '../oauth/install-tokens.ts';
import type { SandboxContext } from '../context/sandbox-context.ts';
import type { App } from '../state/app.ts';

/** An OAuth app as the control shows it: without its secret. */
export interface SandboxApp {
  readonly clientId: string;
  readonly name: string;
  readonly redirectUris: readonly string[];
  readonly scopes: readonly string[];
  readonly installationUrl: string | null;
}

/** What {@link install} takes. */
export interface NewInstall {
  readonly accountId: string;
  /** Default: the one app there is. */
  readonly clientId?: string | undefined;
  /** Default: all scopes of the app. */
  readonly scopes?: readonly string[] | undefined;
}

/** The pair that an install got. */
export interface InstalledTokens {
  readonly clientId: string;
  readonly accountId: string;
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly scopes: readonly string[];
  readonly expiresInSec: number;
}

/** The OAuth apps. */
export function listApps({ state }: SandboxContext): SandboxApp[] {
  return [...state.apps.values()].map((app) => ({
    clientId: app.clientId,
    name: app.name,
    redirectUris: app.redirectUris,
    scopes: app.scopes,
    installationUrl: app.installationUrl ?? null,
  }));
}

/**
 * Gives an app another client secret, as Klaviyo's developer console does. The old one stops
 * working at once, or after a grace period.
 *
 * @returns the new secret
 * @throws {@link KeyshiftError} `not_found`
 */
export function regenerateClientSecret(
  context: SandboxContext,
  clientId: string | undefined,
  graceSec = 0,
): { readonly clientId: string; readonly clientSecret: string } {
  const { state, clock, random } = context;
  const app = appOf(context, clientId);
  const nowMs = clock.now();
  const clientSecret = randomToken(random, 48);
  const kept = (app.previousSecrets ?? []).filter(({ diesAtMs }) => diesAtMs > nowMs);
  const replaced = { secret: app.clientSecret, diesAtMs: nowMs + graceSec * 1_000 };
  state.apps.set(app.clientId, {
    ...app,
    clientSecret,
    previousSecrets: graceSec > 0 ? [...kept, replaced] : [],
  });
  return { clientId: app.clientId, clientSecret };
}

/**
 * Installs an app in an account without a browser, as if a person had consented and the app had
 * exchanged its code.
 *
 * @throws {@link KeyshiftError} `not_found`, or `request_invalid` for scopes the app does not have
 */
export function install(context: SandboxContext, wanted: NewInstall): InstalledTokens {
  const { state, settings } = context;
  const { accountId } = wanted;
  const { clientId, scopes: most } = appOf(context, wanted.clientId);
  const scopes = wanted.scopes ?? most;
  if (!state.accounts.has(accountId)) {
    throw new KeyshiftError('not_found', `The sandbox has no account ${accountId}.`);
  }
  const stray = scopes.find((scope) => !most.includes(scope));
  if (stray !== undefined) {
    throw new KeyshiftError('request_invalid', `The app does not have the scope ${stray}.`);
  }
  const tokens = installApp(context, { clientId, accountId, scopes });
  const expiresInSec = settings.announcedTtlSec ?? settings.accessTokenTtlSec;
  return { clientId, accountId, ...tokens, expiresInSec };
}

/** The app of that id; without one, the only app there is. */
export function appOf({ state }: SandboxContext, clientId: string | undefined): App {
  const only = state.apps.size === 1 ? [...state.apps.values()][0] : undefined;
  const app = clientId === undefined ? only : state.apps.get(clientId);
  if (app) return app;
  throw new KeyshiftError(
    'not_found',
    clientId === undefined
      ? 'The sandbox does not have exactly one app: name one by clientId.'
      : 'The sandbox has no app with this clientId.',
    { fix: `Its apps: ${[...state.apps.keys()].join(', ') || 'none'}.` },
  );
}
