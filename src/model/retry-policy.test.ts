import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isIdempotent, mayRetry, retryPauseMs, type AttemptResult } from './retry-policy.ts';

const anyStatus = fc.integer({ min: 100, max: 599 });
const anyResult: fc.Arbitrary<AttemptResult> = fc.oneof(
  fc.record({ kind: fc.constant('status' as const), status: anyStatus, edge: fc.boolean() }),
  fc.constant({ kind: 'unsent' as const }),
  fc.constant({ kind: 'broken' as const }),
);

const anyFraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('mayRetry', () => {
  it('repeats what may have been applied only where that does no harm', () => {
    fc.assert(
      fc.property(anyResult, (result) => {
        const surelyNotApplied =
          result.kind === 'unsent' || (result.kind === 'status' && result.status === 429);
        expect(mayRetry(result, false)).toBe(surelyNotApplied);
      }),
    );
  });

  it('repeats more of what does no harm, never less', () => {
    fc.assert(
      fc.property(anyResult, (result) => {
        if (mayRetry(result, false)) expect(mayRetry(result, true)).toBe(true);
      }),
    );
  });

  it('repeats no success, no redirect and no verdict of Klaviyo’s API', () => {
    const passing = new Set([408, 425, 429]);
    fc.assert(
      fc.property(anyStatus, fc.boolean(), (status, idempotent) => {
        fc.pre(status < 500 && !passing.has(status));
        expect(mayRetry({ kind: 'status', status, edge: false }, idempotent)).toBe(false);
      }),
    );
    expect(mayRetry({ kind: 'status', status: 501, edge: false }, true)).toBe(false);
  });

  it('takes a page of the edge for an outage, whatever its status', () => {
    for (const status of [400, 401, 403, 503]) {
      expect(mayRetry({ kind: 'status', status, edge: true }, true)).toBe(true);
      expect(mayRetry({ kind: 'status', status, edge: true }, false)).toBe(false);
    }
  });
});

describe('isIdempotent', () => {
  it('knows the methods of RFC 9110 and trusts no other', () => {
    for (const method of ['POST', 'PATCH', 'CONNECT', 'get', 'QUERY', '']) {
      expect(isIdempotent(method)).toBe(false);
    }
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']) {
      expect(isIdempotent(method)).toBe(true);
    }
  });
});

describe('retryPauseMs', () => {
  it('is never shorter than Retry-After, and at most a quarter longer', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 100_000 }),
        anyFraction,
        (failures, sec, fraction) => {
          const pauseMs = retryPauseMs(failures, sec, fraction);
          expect(pauseMs).toBeGreaterThanOrEqual(sec * 1000);
          expect(pauseMs).toBeLessThanOrEqual(sec * 1250 + 1);
        },
      ),
    );
  });

  it('without Retry-After grows with each failure up to ten seconds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), anyFraction, (failures, fraction) => {
        const pauseMs = retryPauseMs(failures, undefined, fraction);
        expect(pauseMs).toBeGreaterThanOrEqual(250);
        expect(pauseMs).toBeLessThanOrEqual(10_000);
        expect(retryPauseMs(failures + 1, undefined, fraction)).toBeGreaterThanOrEqual(pauseMs);
      }),
    );
  });

  it('after Retry-After: 0 is as without one, or all attempts would be spent at once', () => {
    for (const failures of [1, 2, 3]) {
      const pauseMs = retryPauseMs(failures, 0, 0);
      expect(pauseMs).toBe(retryPauseMs(failures, undefined, 0));
    }
  });

  it('differs between callers, so that they do not come back together', () => {
    expect(retryPauseMs(1, 4, 0)).toBe(4_000);
    expect(retryPauseMs(1, 4, 0.5)).toBe(4_500);
  });
});
