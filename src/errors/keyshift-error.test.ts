import { inspect } from 'node:util';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { errorTable, type ErrorCode } from './error-table.ts';
import { isKeyshiftError, isKind, KeyshiftError } from './keyshift-error.ts';

const codes = Object.keys(errorTable) as ErrorCode[];
const key = 'pk_0123456789abcdef0123456789abcdef01';
const refreshToken = '9f8e7d6c5b4a39281706f5e4d3c2b1a0';

/** A failure as libraries throw it: with the request that failed in its message and fields. */
function leakyCause() {
  return Object.assign(new Error(`401 for ${key}`, { cause: `refresh_token=${refreshToken}` }), {
    headers: { authorization: `Klaviyo-API-Key ${key}` },
    body: new URLSearchParams({ refresh_token: refreshToken }),
  });
}

describe('a KeyshiftError', () => {
  it.each([
    ['util.inspect', (error: Error) => inspect(error, { depth: Infinity })],
    ['util.inspect with hidden fields', (e: Error) => inspect(e, { depth: 9, showHidden: true })],
    ['JSON.stringify', (error: Error) => JSON.stringify({ error, all: [error] })],
    ['String', (error: Error) => String(error)],
    ['its stack', (error: Error) => error.stack ?? ''],
  ])('shows no secret of its cause by %s', (_way, print) => {
    const error = new KeyshiftError('internal', 'It failed.', { cause: leakyCause() });
    expect(print(error)).not.toContain(key);
    expect(print(error)).not.toContain(refreshToken);
    expect(print(error)).toContain('It failed.');
  });

  it('keeps its cause for whoever asks', () => {
    const cause = leakyCause();
    expect(new KeyshiftError('internal', 'It failed.', { cause }).cause).toBe(cause);
    expect('cause' in new KeyshiftError('internal', 'It failed.')).toBe(false);
  });

  it.each(codes)('answers title, fix and status of its code: %s', (code) => {
    const error = new KeyshiftError(code, 'What was wrong.');
    const { kind, title, fix, status } = errorTable[code];
    expect(error).toMatchObject({ name: 'KeyshiftError', code, kind, title, fix, status });
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      error: code,
      error_description: 'What was wrong.',
      fix,
    });
  });

  it('takes a better fix and a pause from whoever throws it', () => {
    const error = new KeyshiftError('internal', 'x', { fix: 'Do this.', retryAfterSec: 7 });
    expect(error.fix).toBe('Do this.');
    expect(error.toJSON().fix).toBe('Do this.');
    expect(error.retryAfterSec).toBe(7);
    expect(new KeyshiftError('internal', 'x').retryAfterSec).toBeUndefined();
  });
});

describe('isKeyshiftError', () => {
  it('tells other values and other codes apart', () => {
    const error = new KeyshiftError('grant_lost', 'x');
    expect(isKeyshiftError(new Error('x'))).toBe(false);
    expect(isKeyshiftError({ ...error, code: 'grant_lost' })).toBe(false);
    expect(isKeyshiftError(undefined)).toBe(false);
    expect(isKeyshiftError(error, 'internal')).toBe(false);
    expect(isKeyshiftError(error)).toBe(true);
    expect(isKeyshiftError(error, 'grant_lost')).toBe(true);
  });
});

describe('the kind of an error', () => {
  it('is asked of anything that was thrown', () => {
    const error = new KeyshiftError('upstream_timeout', 'x');
    expect(isKind(error, 'upstream')).toBe(true);
    expect(isKind(error, 'grant', 'upstream')).toBe(true);
    expect(isKind(error, 'grant')).toBe(false);
    expect(isKind(new Error('upstream_timeout'), 'upstream')).toBe(false);
    expect(isKind({ code: 'upstream_timeout', kind: 'upstream' }, 'upstream')).toBe(false);
    expect(isKind(undefined, 'upstream')).toBe(false);
  });

  it('narrows its code, and is narrowed by it', () => {
    const thrown: unknown = new KeyshiftError('grant_lost', 'x');
    if (!isKeyshiftError(thrown) || thrown.kind !== 'grant') throw thrown;
    expectTypeOf(thrown.code).toEqualTypeOf<'grant_lost' | 'grant_not_found'>();
    if (isKind(thrown, 'grant')) {
      expectTypeOf(thrown.code).toEqualTypeOf<'grant_lost' | 'grant_not_found'>();
    }
    expectTypeOf(new KeyshiftError('upstream_timeout', 'x').kind).toEqualTypeOf<'upstream'>();
    const known: unknown = thrown;
    if (isKeyshiftError(known, 'key_not_found')) expectTypeOf(known.kind).toEqualTypeOf<'key'>();
  });
});
