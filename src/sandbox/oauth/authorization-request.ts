import type { App } from '../state/app.ts';
import type { SandboxState } from '../state/sandbox-state.ts';
import { isCodeChallenge } from './code-challenge.ts';

/** The parameters of an authorization request; Klaviyo requires all of them. */
export const authorizationParameters = [
  'response_type',
  'client_id',
  'redirect_uri',
  'scope',
  'state',
  'code_challenge_method',
  'code_challenge',
] as const;

/** An authorization request that may be put before a person. */
export interface AuthorizationRequest {
  readonly app: App;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  readonly state: string;
  readonly codeChallenge: string;
}

/** What became of reading one: `page` errors must not redirect (RFC 6749 section 4.1.2.1). */
export type ReadAuthorization =
  | { readonly kind: 'request'; readonly request: AuthorizationRequest }
  | { readonly kind: 'page'; readonly message: string }
  | {
      readonly kind: 'redirect';
      readonly redirectUri: string;
      readonly error: string;
      readonly description: string;
      readonly state: string | null;
    };

/** Checks the parameters of an authorization request, from a query or from the consent form. */
export function readAuthorization(
  parameters: URLSearchParams,
  state: SandboxState,
): ReadAuthorization {
  const app = state.apps.get(parameters.get('client_id') ?? '');
  if (!app) return { kind: 'page', message: 'No app has this client_id.' };
  const redirectUri = parameters.get('redirect_uri') ?? '';
  if (!app.redirectUris.includes(redirectUri)) {
    return {
      kind: 'page',
      message: `The redirect_uri is not on the list of the app “${app.name}”. It must match one of them exactly.`,
    };
  }
  const refusal = refuse(parameters, app);
  if (refusal) {
    const [error, description] = refusal;
    return { kind: 'redirect', redirectUri, error, description, state: parameters.get('state') };
  }
  return {
    kind: 'request',
    request: {
      app,
      redirectUri,
      scopes: scopesOf(parameters),
      state: parameters.get('state') ?? '',
      codeChallenge: parameters.get('code_challenge') ?? '',
    },
  };
}

function scopesOf(parameters: URLSearchParams): string[] {
  return [...new Set((parameters.get('scope') ?? '').split(' ').filter(Boolean))];
}

type Refusal = readonly [error: string, description: string];

function refuse(parameters: URLSearchParams, app: App): Refusal | undefined {
  const repeated = authorizationParameters.find((name) => parameters.getAll(name).length > 1);
  if (repeated) return ['invalid_request', `Multiple "${repeated}" in request.`];
  const responseType = parameters.get('response_type');
  if (responseType !== 'code') {
    const shown = (responseType ?? 'None').slice(0, 50);
    return ['unsupported_response_type', `response_type=${shown} is not supported`];
  }
  const scopes = scopesOf(parameters);
  if (scopes.length === 0 || scopes.some((scope) => !app.scopes.includes(scope))) {
    return ['invalid_scope', 'The requested scope is invalid, unknown, or malformed.'];
  }
  if (!parameters.get('state')) return ['invalid_request', 'Missing "state" in request.'];
  return refuseChallenge(parameters);
}

function refuseChallenge(parameters: URLSearchParams): Refusal | undefined {
  const challenge = parameters.get('code_challenge');
  if (!challenge) return ['invalid_request', 'Missing "code_challenge"'];
  if (parameters.get('code_challenge_method') !== 'S256') {
    return ['invalid_request', 'Unsupported "code_challenge_method"'];
  }
  return isCodeChallenge(challenge) ? undefined : ['invalid_request', 'Invalid "code_challenge"'];
}
