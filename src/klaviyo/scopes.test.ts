import { describe, expect, it } from 'vitest';
import { betaOperations, operations } from './operations.ts';
import { describeScope, isDescribedScope } from './scopes.ts';

const known = [
  ...new Set([...operations, ...betaOperations].flatMap((operation) => operation.scopes)),
];

describe('describeScope', () => {
  it('describes an unknown scope by its name', () => {
    expect(describeScope('loyalty-points:read')).toBe('See your loyalty points');
    expect(describeScope('loyalty-points:write')).toBe('Create, change and delete loyalty points');
  });

  it('quotes a scope that does not look like Klaviyo’s', () => {
    for (const scope of ['', 'openid', 'profiles:admin', 'a b:read', '-:read', '<b>:read']) {
      expect(describeScope(scope)).toBe(`Use the permission “${scope}”`);
    }
  });

  it('does not mistake what objects inherit for a scope', () => {
    for (const scope of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      expect(isDescribedScope(scope)).toBe(false);
      expect(describeScope(scope)).toBe(`Use the permission “${scope}”`);
    }
  });

  it('knows scopes to check', () => {
    expect(known.length).toBeGreaterThan(40);
  });

  it.each(known)('has words of its own for %s, which an operation of the API needs', (scope) => {
    expect(isDescribedScope(scope)).toBe(true);
    expect(describeScope(scope)).toMatch(/^[A-Z].{6,75}[^.]$/);
  });

  it('never describes two scopes alike', () => {
    expect(new Set(known.map(describeScope)).size).toBe(known.length);
  });

  it('never says “see” only where a scope changes things, nor the other way round', () => {
    for (const scope of known) {
      expect(describeScope(scope).startsWith('See '), scope).toBe(scope.endsWith(':read'));
    }
  });
});
