import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { missingScopes, parseScopes } from './scope-set.ts';

describe('parseScopes', () => {
  it('takes blanks and commas between scopes, and each scope once, in order', () => {
    expect(parseScopes(' b:read  a:read,\n b:read ')).toEqual(['b:read', 'a:read']);
    expect(parseScopes('')).toEqual([]);
    expect(parseScopes(' , ')).toEqual([]);
  });
});

describe('missingScopes', () => {
  it('does not take write for read, nor a longer name for a shorter one', () => {
    expect(missingScopes('lists:read', 'lists:write')).toEqual(['lists:read']);
    expect(missingScopes('events:read', 'events:read-all my-events:read')).toEqual(['events:read']);
    expect(missingScopes('lists:read', 'Lists:Read')).toEqual(['lists:read']);
  });

  it('asks for nothing that is held, in any order, among others', () => {
    expect(missingScopes('b:read a:read', 'a:read c:read b:read')).toEqual([]);
    expect(missingScopes('', 'a:read')).toEqual([]);
    expect(missingScopes('a:read b:read', '')).toEqual(['a:read', 'b:read']);
  });

  it('together with what is held makes up what is needed', () => {
    const scopes = fc.uniqueArray(fc.stringMatching(/^[a-d]:(read|write)$/));
    fc.assert(
      fc.property(scopes, scopes, (needed, held) => {
        const missing = missingScopes(needed.join(' '), held.join(' '));
        for (const scope of needed) expect(missing.includes(scope)).toBe(!held.includes(scope));
        for (const scope of missing) expect(needed).toContain(scope);
      }),
    );
  });
});
