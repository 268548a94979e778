import { describe, expect, it } from 'vitest';
import { sampleColumns } from '../../test/store/contract/contract-test.ts';
import {
  asCanary,
  backToKey,
  byOAuth,
  parseConnection,
  setAside,
  withoutGrant,
  type Connection,
  type ConnectionColumns,
  type KeyHolder,
} from './connection.ts';

const nowMs = 1_000;

function connectionOf(fields: Partial<ConnectionColumns>): Connection {
  return parseConnection({ ...sampleColumns('acme'), ...fields });
}

/** What only some ways have, of every way. */
function wayOf({ route, canaryPercent, liveSinceMs, watchedSinceMs }: Connection) {
  return { route, canaryPercent, liveSinceMs, watchedSinceMs };
}

describe('a connection of its columns', () => {
  const everything = { canaryPercent: 25, liveSinceMs: 1, watchedSinceMs: 2 };

  it.each([
    ['key', 'held', { route: 'key' }],
    ['canary', 'held', { route: 'canary', canaryPercent: 25, watchedSinceMs: 2 }],
    ['oauth', 'held', { route: 'oauth', liveSinceMs: 1, watchedSinceMs: 2 }],
    ['oauth', 'destroyed', { route: 'oauth', liveSinceMs: 1, watchedSinceMs: 2 }],
    ['oauth', 'none', { route: 'oauth', liveSinceMs: 1, watchedSinceMs: 2 }],
    ['key', 'destroyed', { route: 'none', liveSinceMs: 1 }],
    ['key', 'none', { route: 'none', liveSinceMs: 1 }],
    ['canary', 'none', { route: 'none', liveSinceMs: 1 }],
  ] as const)('has what its way has, and no more: %s, key %s', (route, key, way) => {
    const absent = { canaryPercent: undefined, liveSinceMs: undefined, watchedSinceMs: undefined };
    const connection = connectionOf({ route, key, ...everything });
    expect(wayOf(connection)).toEqual({ ...absent, ...way });
    expect(connection.key).toBe(key);
  });

  it('has a reason at attention, and nowhere else', () => {
    const reason = { attentionReason: 'grant_lost', attentionFrom: 'live' } as const;
    expect(connectionOf({ stage: 'attention', ...reason })).toMatchObject(reason);
    expect(connectionOf({ stage: 'live', ...reason })).toMatchObject({
      ...{ attentionReason: undefined, attentionFrom: undefined },
    });
    expect(() => connectionOf({ stage: 'attention' })).toThrow(TypeError);
  });
});

describe('a way', () => {
  it('back to the key exists for who holds one, by its type', () => {
    const keyless = connectionOf({ route: 'oauth', key: 'none' });
    const goBack = (connection: Connection) =>
      // @ts-expect-error Whether there is a key has to be asked first.
      backToKey(connection);
    expect(goBack(keyless).route).toBe('key');
    // @ts-expect-error Without a key, traffic goes by OAuth or not at all.
    const impossible: Connection = { ...keyless, key: 'none', route: 'key' };
    expect(impossible.customerId).toBe('acme');
  });

  it('of a wider canary is watched since the canary began', () => {
    const holder = connectionOf({ stage: 'verified', key: 'held' }) as KeyHolder;
    const first = asCanary(holder, 10, nowMs);
    expect(first).toMatchObject({ canaryPercent: 10, watchedSinceMs: nowMs });
    const canary = { ...holder, ...first } as KeyHolder;
    expect(asCanary(canary, 50, 2 * nowMs)).toMatchObject({
      ...{ canaryPercent: 50, watchedSinceMs: nowMs },
    });
  });

  it('by OAuth keeps the day on which traffic moved', () => {
    expect(byOAuth(connectionOf({}), nowMs)).toMatchObject({
      ...{ liveSinceMs: nowMs, watchedSinceMs: nowMs },
    });
    expect(byOAuth(connectionOf({ route: 'oauth', liveSinceMs: 1 }), nowMs)).toMatchObject({
      ...{ liveSinceMs: 1, watchedSinceMs: nowMs },
    });
  });

  it('without a grant is the key, or none', () => {
    expect(withoutGrant(connectionOf({ route: 'oauth', key: 'held' })).route).toBe('key');
    expect(withoutGrant(connectionOf({ route: 'oauth', key: 'destroyed' })).route).toBe('none');
  });
});

describe('a connection that is set aside', () => {
  it('remembers the stage of the journey, also for a second reason', () => {
    const first = setAside(connectionOf({ stage: 'opened' }), 'consent_denied');
    expect(first).toMatchObject({ attentionReason: 'consent_denied', attentionFrom: 'opened' });
    expect(setAside(first, 'account_mismatch')).toMatchObject({
      ...{ attentionReason: 'account_mismatch', attentionFrom: 'opened' },
    });
  });
});
