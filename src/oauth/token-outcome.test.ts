import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTokenReply, type TokenOutcome } from './token-outcome.ts';

const nowMs = Date.UTC(2026, 10, 23, 8);
const complete = {
  access_token: 'access-1',
  token_type: 'Bearer',
  expires_in: 3600,
  refresh_token: 'refresh-1',
  scope: 'accounts:read',
};
const without = (...names: string[]) =>
  Object.fromEntries(Object.entries(complete).filter(([name]) => !names.includes(name)));

function read(status: number, body: unknown, headers: Record<string, string> = {}): TokenOutcome {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return readTokenReply({ status, headers, body: text }, nowMs);
}

describe('a reply that is no verdict', () => {
  const html = '<!DOCTYPE html><html><title>Just a moment...</title></html>';
  it.each([
    ['a 200 with HTML', 200, html],
    ['a 200 that is empty', 200, ''],
    ['a 200 cut in half', 200, JSON.stringify(complete).slice(0, 40)],
    ['a 200 with a list', 200, [complete]],
    ['a 200 with null', 200, 'null'],
    ['a 200 with an error in it', 200, { error: 'invalid_grant' }],
    ['a 200 without an access token', 200, without('access_token')],
    ['an empty access token', 200, { ...complete, access_token: '' }],
    ['an access token that is a number', 200, { ...complete, access_token: 1 }],
    ['an access token that is null', 200, { ...complete, access_token: null }],
    ['an access token of blanks', 200, { ...complete, access_token: ' ' }],
    ['an access token with a line of its own', 200, { ...complete, access_token: 'a\r\nb: c' }],
    ['an access token that no header holds', 200, { ...complete, access_token: 'tök€n' }],
    ['a token type we cannot send', 200, { ...complete, token_type: 'mac' }],
    ['a token type that only begins like ours', 200, { ...complete, token_type: 'bearer-x' }],
    ['a refresh token that is a number', 200, { ...complete, refresh_token: 1 }],
    ['a refresh token that is empty', 200, { ...complete, refresh_token: '' }],
    ['tokens behind another status', 202, complete],
    ['tokens behind a redirect', 302, complete],
    ['tokens behind an error', 500, complete],
    ['the edge’s 400', 400, html],
    ['the edge’s 403', 403, html],
    ['an empty 400', 400, ''],
    ['an empty 401', 401, ''],
    ['JSON:API errors in a 401', 401, { errors: [{ code: 'not_authenticated' }] }],
    ['an error that is not a string', 400, { error: { code: 'invalid_grant' } }],
    ['invalid_grant behind a 403', 403, { error: 'invalid_grant' }],
    ['invalid_grant behind a 404', 404, { error: 'invalid_grant' }],
    ['invalid_grant behind a 429', 429, { error: 'invalid_grant' }],
    ['invalid_grant behind a 500', 500, { error: 'invalid_grant' }],
    ['invalid_client behind a 503', 503, { error: 'invalid_client' }],
    ['a timeout of the server', 408, ''],
    ['too early', 425, ''],
  ])('is transient: %s', (_name, status, body) => {
    expect(read(status, body)).toMatchObject({ kind: 'transient', status });
  });

  it('passes on how long to wait', () => {
    expect(read(429, '', { 'retry-after': '17' })).toMatchObject({ retryAfterSec: 17 });
    expect(read(503, '', { 'retry-after': 'Mon, 23 Nov 2026 08:00:30 GMT' })).toMatchObject({
      retryAfterSec: 30,
    });
    expect(read(503, '')).toMatchObject({ retryAfterSec: undefined });
  });
});

describe('a reply that refuses', () => {
  it.each([
    [400, 'invalid_grant', 'grant_rejected'],
    [401, 'invalid_grant', 'grant_rejected'],
    [400, 'invalid_grant_type', 'grant_rejected'],
    [401, 'invalid_client', 'client_rejected'],
    [400, 'invalid_client', 'client_rejected'],
    [400, 'unauthorized_client', 'client_rejected'],
    [400, 'invalid_request', 'request_rejected'],
    [400, 'invalid_scope', 'request_rejected'],
    [400, 'unsupported_grant_type', 'request_rejected'],
    [400, 'Invalid_Grant', 'request_rejected'],
    [400, 'constructor', 'request_rejected'],
  ])('%i %s is %s', (status, error, kind) => {
    const outcome = read(status, { error, error_description: 'Why.' });
    expect(outcome).toEqual({ kind, error, description: 'Why.' });
  });

  it('survives a description that is missing or of another type', () => {
    for (const error_description of [undefined, null, 7, ['x']]) {
      expect(read(400, { error: 'invalid_grant', error_description })).toMatchObject({
        kind: 'grant_rejected',
        description: '',
      });
    }
  });

  it('keeps hostile texts short and printable', () => {
    const error_description = `\u001b[2J${'x'.repeat(10_000)}\n✓`;
    const outcome = read(400, { error: 'invalid_grant', error_description });
    expect(outcome).toHaveProperty(
      'description',
      expect.stringMatching(/^[\x20-\x7e]{1,200}$/) as string,
    );
  });
});

describe('a reply that grants', () => {
  const tokensOf = (body: unknown) => {
    const outcome = read(200, body);
    if (outcome.kind !== 'granted') throw new Error(`it is ${outcome.kind}`);
    return outcome.tokens;
  };

  it.each(['bearer', 'Bearer', 'BEARER'])('takes the token type %s', (token_type) => {
    const tokens = tokensOf({ ...complete, token_type });
    expect(tokens.accessToken.reveal()).toBe('access-1');
    expect(tokens.refreshToken?.reveal()).toBe('refresh-1');
    expect(tokens).toMatchObject({ expiresInSec: 3600, scope: 'accounts:read' });
  });

  it('takes a lifetime that is written as a string', () => {
    expect(tokensOf({ ...complete, expires_in: '3600' }).expiresInSec).toBe(3600);
  });

  it.each([undefined, null, '', 'soon', '-1', -1, 0, {}, true])(
    'does not know the lifetime when expires_in is %j',
    (expires_in) => {
      expect(tokensOf({ ...complete, expires_in }).expiresInSec).toBeUndefined();
    },
  );

  it('survives a lifetime beyond all numbers', () => {
    const body = JSON.stringify(complete).replace('3600', '1e999');
    expect(tokensOf(JSON.parse(body))).toMatchObject({ scope: 'accounts:read' });
    expect(read(200, body)).toMatchObject({ kind: 'granted', tokens: { expiresInSec: undefined } });
  });

  it.each([[without('refresh_token')], [{ ...complete, refresh_token: null }]])(
    'leaves the refresh token open when the answer omits it',
    (body) => {
      expect(tokensOf(body).refreshToken).toBeUndefined();
    },
  );

  it.each([[without('scope')], [{ ...complete, scope: null }]])(
    'leaves the scope open when the answer omits it',
    (body) => {
      expect(tokensOf(body).scope).toBeUndefined();
    },
  );

  it('never prints its tokens', () => {
    const outcome = read(200, complete);
    expect(JSON.stringify(outcome)).not.toMatch(/access-1|refresh-1/);
  });
});

describe('any reply at all', () => {
  const anything = fc.oneof(
    fc.constant(undefined),
    fc.constant(null),
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constantFrom('bearer', 'Bearer', 'mac', ''),
  );
  const tokenAnswer = fc.record(
    {
      access_token: fc.oneof(fc.constant('access-1'), anything),
      token_type: fc.oneof(fc.constant('bearer'), anything),
      expires_in: fc.oneof(fc.constantFrom(3600, '3600'), fc.double(), anything),
      refresh_token: fc.oneof(fc.constant('refresh-1'), anything),
      scope: fc.oneof(fc.constant('accounts:read'), anything),
    },
    { requiredKeys: [] },
  );
  const errorAnswer = fc.record(
    {
      error: fc.oneof(
        fc.constantFrom('invalid_grant', 'invalid_grant_type', 'invalid_client', 'invalid_request'),
        anything,
      ),
      error_description: anything,
    },
    { requiredKeys: [] },
  );
  const text = fc
    .oneof(tokenAnswer, errorAnswer, fc.json().map(JSON.parse as (json: string) => unknown))
    .map((value) => JSON.stringify(value));
  const body = fc.oneof(
    { weight: 6, arbitrary: text },
    {
      weight: 1,
      arbitrary: fc.tuple(text, fc.nat(60)).map(([json, length]) => json.slice(0, length)),
    },
    { weight: 1, arbitrary: fc.constantFrom('', '<html></html>', 'error=invalid_grant') },
  );
  const status = fc.oneof(
    fc.constantFrom(200, 400, 401, 403, 429, 500, 503),
    fc.integer({ min: 100, max: 999 }),
  );
  const contentType = fc.constantFrom('application/json', 'text/html', 'text/plain', '', undefined);

  const parse = (json: string): Record<string, unknown> => {
    try {
      const value: unknown = JSON.parse(json);
      return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
    } catch {
      return {};
    }
  };
  const isText = (value: unknown) => typeof value === 'string' && value !== '';
  const isSendable = (value: unknown) =>
    isText(value) && [...String(value)].every((letter) => letter > ' ' && letter <= '~');

  it('never grants without a complete, well-typed answer, and blames a grant on its own error only', () => {
    const kinds = new Set<string>();
    fc.assert(
      fc.property(status, contentType, body, (replyStatus, type, replyBody) => {
        const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
        const outcome = read(replyStatus, replyBody, headers);
        kinds.add(outcome.kind);
        const answer = parse(replyBody);
        const isComplete =
          isSendable(answer['access_token']) &&
          /^bearer$/i.test(String(answer['token_type'] ?? 'bearer')) &&
          answer['token_type'] !== null &&
          (answer['refresh_token'] == null || isText(answer['refresh_token']));
        expect(outcome.kind === 'granted').toBe(replyStatus === 200 && isComplete);
        const refuses = replyStatus === 400 || replyStatus === 401;
        const { error } = answer;
        const isGrantError = error === 'invalid_grant' || error === 'invalid_grant_type';
        expect(outcome.kind === 'grant_rejected').toBe(refuses && isGrantError);
        expect(outcome.kind === 'client_rejected').toBe(refuses && error === 'invalid_client');
        if (outcome.kind === 'granted' && outcome.tokens.expiresInSec !== undefined) {
          expect(outcome.tokens.expiresInSec).toBeGreaterThan(0);
        }
      }),
      { numRuns: 3_000 },
    );
    expect([...kinds].sort()).toEqual([
      'client_rejected',
      'grant_rejected',
      'granted',
      'request_rejected',
      'transient',
    ]);
  });
});
