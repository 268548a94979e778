import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RouteTally } from './traffic.ts';
import { defaultHoldPolicy, whyHold } from './hold-policy.ts';

const tally = (calls: number, refused = 0, failed = 0): RouteTally => ({
  ...{ calls, refused, failed, ok: calls - refused - failed, lastAtMs: undefined },
});

const why = (oauth: RouteTally, key: RouteTally) => whyHold({ oauth, key }, defaultHoldPolicy);

describe('a hold', () => {
  it('needs enough calls and enough errors', () => {
    expect(why(tally(19, 19), tally(0))).toBeUndefined();
    expect(why(tally(100, 1, 1), tally(0))).toBeUndefined();
    expect(why(tally(20, 2, 1), tally(0))).toBe(
      '15.0 % of 20 calls over OAuth failed, 0.0 % of 0 with the key',
    );
  });

  it('is for OAuth alone: what fails by key as often is no fault of OAuth', () => {
    expect(why(tally(100, 0, 30), tally(100, 0, 30))).toBeUndefined();
    expect(why(tally(100, 0, 30), tally(100, 0, 29))).toBeUndefined();
    expect(why(tally(100, 0, 30), tally(100, 0, 28))).toContain('28.0 % of 100 with the key');
  });

  it('never comes of fewer errors in the same calls', () => {
    const counts = fc.record({ calls: fc.nat(500), errors: fc.nat(500), fewer: fc.nat(500) });
    fc.assert(
      fc.property(counts, counts, (oauth, key) => {
        const errors = Math.min(oauth.errors, oauth.calls);
        const fewer = Math.min(oauth.fewer, errors);
        const byKey = tally(key.calls, Math.min(key.errors, key.calls));
        if (why(tally(oauth.calls, errors), byKey) === undefined) {
          expect(why(tally(oauth.calls, fewer), byKey)).toBeUndefined();
        }
      }),
    );
  });
});
