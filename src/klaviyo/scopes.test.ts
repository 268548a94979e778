import { describe, expect, it } from 'vitest';
import { betaOperations, operations } from './operations.ts';
import { describeScope, describeScopeGroups, isDescribedScope } from './scopes.ts';

const known = [
  ...new Set([...operations, ...betaOperations].flatMap((operation) => operation.scopes)),
];

describe('describeScope', () => {
  it('describes an unknown scope by its name', () => {
    expect(describeScope('loyalty-points:read')).toBe('Read loyalty points');
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
    expect(new Set(known.map((scope) => describeScope(scope))).size).toBe(known.length);
  });

  it('never says “read” only where a scope changes things, nor the other way round', () => {
    for (const scope of known) {
      expect(describeScope(scope).startsWith('Read '), scope).toBe(scope.endsWith(':read'));
      expect(describeScope(scope, 'de').endsWith(' lesen'), scope).toBe(scope.endsWith(':read'));
    }
  });

  it('says in one short line what may be done with one kind of thing', () => {
    const scopes = ['events:write', 'profiles:read', 'events:read', 'images:read', 'images:write'];
    const lines = (language: 'en' | 'de') =>
      describeScopeGroups(scopes, language).map(({ sentence }) => sentence);
    expect(lines('en')).toEqual([
      'Read and record events (orders, page views)',
      'Read profiles (people)',
      'Read, upload and change images',
    ]);
    expect(lines('de')).toEqual([
      'Ereignisse (Bestellungen, Seitenaufrufe) lesen und aufzeichnen',
      'Profile (Personen) lesen',
      'Bilder lesen, hochladen und ändern',
    ]);
  });
});
