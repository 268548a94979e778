import { createHash } from 'node:crypto';
import { createManualClock, type ManualClock } from '../../src/runtime/clock.ts';
import { approveConsent, type ConsentChoice } from '../../src/sandbox/approve-consent.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import type { SandboxOptions } from '../../src/sandbox/sandbox-options.ts';
import { startSandbox } from '../../src/sandbox/sandbox.ts';
import type { SandboxSeed, SeedApp } from '../../src/sandbox/seed/seed.ts';

/** An answer read to its end. */
export interface TestReply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  /** The body parsed, or undefined when it is not JSON. */
  readonly json: unknown;
  /** What stands at a place in the body, such as `data.0.id`. */
  at(place: string): unknown;
  /** The same as a string. */
  text(place: string): string;
}

export interface TokenPair {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly expires_in: number;
  readonly scope: string;
  readonly token_type: string;
}

export const verifier = 'v'.repeat(64);
export const challenge = createHash('sha256').update(verifier).digest('base64url');

/** Two accounts, a full key, limited keys, two apps. */
export const testSeed: SandboxSeed = {
  accounts: [
    {
      id: 'AAA111',
      name: 'Alpha & Sons',
      email: 'owner@alpha.example',
      keys: [
        { key: 'pk_alphafull', name: 'Full', scopes: 'full' },
        { key: 'pk_alphareader', name: 'Reader', scopes: 'read-only' },
        { key: 'pk_alphametrics', name: 'Metrics', scopes: ['metrics:read'] },
        { key: 'pk_alphaoff', name: 'Off', scopes: 'full', status: 'disabled' },
      ],
      metrics: [{ name: 'Placed Order' }, { name: 'Received Email', integration: 'klaviyo' }],
      profiles: [{ email: 'ada@alpha.example', first_name: 'Ada' }],
    },
    {
      id: 'BBB222',
      name: 'Beta',
      testAccount: true,
      keys: [{ key: 'pk_betafull', name: 'Full', scopes: 'full' }],
    },
  ],
  apps: [
    {
      clientId: 'app-one',
      clientSecret: 'secret-one_with-dashes',
      name: 'App <One>',
      redirectUris: ['http://localhost:5000/auth/callback', 'http://localhost:5000/other?keep=1'],
      scopes: [
        'accounts:read',
        'profiles:read',
        'profiles:write',
        'metrics:read',
        'events:read',
        'events:write',
      ],
    },
    {
      clientId: 'app-two',
      clientSecret: 'secret-two',
      name: 'App Two',
      redirectUris: ['http://localhost:5000/auth/callback'],
      scopes: ['accounts:read'],
    },
  ],
};

const [appOne, appTwo] = testSeed.apps as [SeedApp, SeedApp];
export { appOne, appTwo };

/** A sandbox under a manual clock, with the calls a client of it makes. */
export async function startTestSandbox(options: SandboxOptions = {}) {
  const clock: ManualClock = createManualClock();
  const sandbox = await startSandbox({
    seed: testSeed,
    clock,
    limits: false,
    ...options,
    settings: { consistency: 'immediate', planRefusals: false, ...options.settings },
  });
  return { sandbox, clock, ...createTestClient(sandbox), [Symbol.asyncDispose]: sandbox.close };
}

export type TestSandbox = Awaited<ReturnType<typeof startTestSandbox>>;

export function createTestClient(sandbox: Sandbox) {
  const request = (path: string, init?: RequestInit) => send(sandbox.url + path, init);
  const form = (url: string, fields: Record<string, string>, app = appOne) =>
    send(url, {
      method: 'POST',
      headers: { authorization: basic(app.clientId, app.clientSecret) },
      body: new URLSearchParams(fields),
    });
  const exchange = (code: string, fields: Record<string, string> = {}, app = appOne) =>
    form(
      sandbox.tokenUrl,
      {
        grant_type: 'authorization_code',
        code,
        redirect_uri: app.redirectUris[0] ?? '',
        code_verifier: verifier,
        ...fields,
      },
      app,
    );
  const refresh = (token: string, app = appOne) =>
    form(sandbox.tokenUrl, { grant_type: 'refresh_token', refresh_token: token }, app);
  const revoke = (token: string, app = appOne) =>
    form(sandbox.revokeUrl, { token, token_type_hint: 'refresh_token' }, app);
  const authorizationUrl = (changes: Record<string, string | undefined> = {}) =>
    authorizationUrlOf(sandbox, changes);
  const obtainCode = async (choice: ConsentChoice = {}, changes = {}) =>
    new URL(await approveConsent(authorizationUrl(changes), choice)).searchParams.get('code') ?? '';
  const install = async (account = 'AAA111', app = appOne): Promise<TokenPair> => {
    const changes = { client_id: app.clientId, scope: app.scopes.join(' ') };
    const reply = await exchange(await obtainCode({ account }, changes), {}, app);
    return reply.json as TokenPair;
  };
  const api = (method: string, path: string, credential: string, body?: unknown) =>
    request(path, {
      method,
      headers: {
        authorization: credential.startsWith('pk_')
          ? `Klaviyo-API-Key ${credential}`
          : `Bearer ${credential}`,
        revision: '2026-07-15',
        ...(body === undefined ? {} : { 'content-type': 'application/vnd.api+json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const get = (path: string, credential = 'pk_alphafull') => api('GET', path, credential);
  const post = (path: string, body: unknown, credential = 'pk_alphafull') =>
    api('POST', path, credential, body);
  return {
    request,
    form,
    exchange,
    refresh,
    revoke,
    authorizationUrl,
    obtainCode,
    install,
    api,
    get,
    post,
  };
}

function authorizationUrlOf(sandbox: Sandbox, changes: Record<string, string | undefined>): string {
  const url = new URL(sandbox.authorizeUrl);
  const parameters = {
    response_type: 'code',
    client_id: appOne.clientId,
    redirect_uri: appOne.redirectUris[0],
    scope: 'accounts:read profiles:read',
    state: 'state-1',
    code_challenge_method: 'S256',
    code_challenge: challenge,
    ...changes,
  };
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return url.href;
}

export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

export async function send(url: string, init: RequestInit = {}): Promise<TestReply> {
  const { status, headers, ...response } = await readResponse(url, init);
  const json = parse(response.body);
  const at = (place: string) => place.split('.').reduce(step, json);
  return { status, headers, body: response.body, json, at, text: (place) => String(at(place)) };
}

async function readResponse(url: string, init: RequestInit) {
  const response = await fetch(url, { redirect: 'manual', ...init });
  return { status: response.status, headers: response.headers, body: await response.text() };
}

function step(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
