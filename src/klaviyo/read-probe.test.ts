import { describe, expect, it } from 'vitest';
import { findOperation, operations } from './operations.ts';
import { findReadProbe } from './read-probe.ts';

const readScopes = [...new Set(operations.flatMap(({ scopes }) => scopes))].filter((scope) =>
  scope.endsWith(':read'),
);

describe('the read that proves a scope', () => {
  it.each(readScopes)('for %s is a list that needs it and changes nothing', (scope) => {
    const probe = findReadProbe(scope, readScopes);
    // Klaviyo lists no conversations: there is nothing cheap to try.
    if (scope === 'conversations:read') {
      expect(probe).toBeUndefined();
      return;
    }
    const operation = findOperation('GET', probe!.split('?', 1)[0]!)?.operation;
    expect(operation?.scopes).toContain(scope);
    expect(operation?.path).not.toContain('{');
  });

  it('needs no scope that the credential lacks', () => {
    expect(findReadProbe('push-tokens:read', ['push-tokens:read'])).toBeUndefined();
    expect(findReadProbe('push-tokens:read', ['push-tokens:read', 'profiles:read'])).toBe(
      '/api/push-tokens',
    );
  });

  it('asks for one profile, and for nothing where the scope writes', () => {
    expect(findReadProbe('profiles:read', ['profiles:read'])).toBe('/api/profiles?page[size]=1');
    expect(findReadProbe('events:write', ['events:write'])).toBeUndefined();
  });
});
