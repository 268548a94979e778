import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseApiError, refusesCredential } from './api-error.ts';

const body = (...errors: unknown[]) => JSON.stringify({ errors });
const html = '<!DOCTYPE html><title>Just a moment...</title>';

describe('parseApiError', () => {
  it.each([
    '',
    html,
    'null',
    '[]',
    '{}',
    '{"errors":[]}',
    '{"errors":{}}',
    '{"error":"x"}',
    '{"er',
  ])('finds no error of the API in %j', (text) => {
    expect(parseApiError(text)).toBeUndefined();
  });

  it('reads id, code and detail of the first error', () => {
    const first = { id: 'e-1', code: 'throttled', title: 'T', detail: 'Slow down.' };
    expect(parseApiError(body(first, { code: 'second' }))).toEqual({
      id: 'e-1',
      code: 'throttled',
      detail: 'Slow down.',
      missingScopes: [],
    });
  });

  it('survives fields of another type', () => {
    expect(parseApiError(body({ id: 7, code: null, detail: {}, title: 'T' }))).toEqual({
      id: undefined,
      code: '',
      detail: 'T',
      missingScopes: [],
    });
  });

  it.each([
    ['Your key is missing required scopes: accounts:read', ['accounts:read']],
    ['missing required scopes: lists:read, lists:write.', ['lists:read', 'lists:write']],
    ['Missing required scope: events:write', ['events:write']],
    ['Your plan does not include this.', []],
  ])('reads which scopes lack from %j', (detail, scopes) => {
    expect(parseApiError(body({ code: 'permission_denied', detail }))?.missingScopes).toEqual(
      scopes,
    );
  });

  it('never throws, whatever the body', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((json) => body(json)),
        ),
        (text) => {
          const error = parseApiError(text);
          if (error) expect(typeof error.code).toBe('string');
        },
      ),
    );
  });
});

describe('refusesCredential', () => {
  const refuses = (status: number, text: string) => refusesCredential(status, parseApiError(text));

  it.each([
    [400, html],
    [401, html],
    [403, html],
    [429, body({ code: 'throttled' })],
    [500, body({ code: 'not_authenticated' })],
    [403, body({ code: 'permission_denied' })],
    [400, body({ code: 'invalid' })],
    [200, body({ code: 'not_authenticated' })],
  ])('does not take %i %s for a refusal', (status, text) => {
    expect(refuses(status, text)).toBe(false);
  });

  it.each([
    [401, 'not_authenticated'],
    [401, 'authentication_failed'],
    [400, 'not_authenticated'],
    [400, 'authentication_failed'],
  ])('takes %i %s for one', (status, code) => {
    expect(refuses(status, body({ code }))).toBe(true);
  });
});
