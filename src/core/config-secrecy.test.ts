import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { readConfig } from './read-config.ts';
import { sandboxProfile } from './sandbox-profile.ts';

const keyBytes = Buffer.alloc(32, 'vault-key');
const secrets = {
  CLIENT_SECRET: 'the-client-secret',
  CLIENT_SECRET_PREVIOUS: 'the-previous-client-secret',
  SESSION_SECRET: 'the-session-secret-0123456789-0123',
  KEYSHIFT_ADMIN_PASSWORD: 'the-admin-password',
  KEYSHIFT_METRICS_TOKEN: 'the-metrics-token-0123456',
};
const config = readConfig(
  {
    ...secrets,
    CLIENT_ID: 'app-one',
    KEYSHIFT_KEYS: `k1:${keyBytes.toString('base64')}`,
    KEYSHIFT_SERVICE_TOKENS: 'shop:the-service-token-01234',
    DATABASE_URL: 'postgres://keyshift:the-database-password@db:5432/keyshift',
  },
  {
    generate: () => {
      throw new Error('nothing is generated');
    },
  },
);

const ways: Record<string, (value: unknown) => string> = {
  'util.inspect': (value) => inspect(value, { depth: Infinity }),
  'util.inspect with hidden fields': (value) => inspect(value, { depth: 9, showHidden: true }),
  'JSON.stringify': (value) => JSON.stringify(value),
};

describe.each(Object.entries(ways))('the configuration, printed by %s,', (_way, print) => {
  it.each([
    ...Object.values(secrets),
    'the-service-token-01234',
    'the-database-password',
    keyBytes.toString('base64'),
    keyBytes.toString('hex'),
    keyBytes.toString(),
  ])('does not show %j', (secret) => {
    expect(print(config)).not.toContain(secret);
    expect(print({ deep: [{ config }] })).not.toContain(secret);
  });

  it('shows what an operator looks for', () => {
    expect(print(config)).toContain('app-one');
    expect(print(config)).toContain('shop');
  });

  it('does not show the sandbox’s app secret either', () => {
    expect(print(sandboxProfile(5000))).not.toContain('keyshift-sandbox-app-password');
  });
});
