import { describe, expect, it, vi } from 'vitest';
import { klaviyoEndpoints } from '../klaviyo/endpoints.ts';
import { systemRandom } from '../runtime/random.ts';
import { generateKeyringEntry } from '../vault/keyring.ts';
import { callbackPathOf } from './config.ts';
import type { Environment } from './environment-reader.ts';
import type { GeneratedSecrets } from './generated-secrets.ts';
import { readConfig, requireClient } from './read-config.ts';
import { openWorkbench } from './workbench.ts';

const generated: GeneratedSecrets = {
  keys: generateKeyringEntry(systemRandom),
  sessionSecret: 'generated-session-secret-0123456789',
  adminPassword: 'generated-password',
  serviceToken: 'ks_generated-service-token-0123456',
  fresh: false,
};
const read = (environment: Environment) => readConfig(environment, { generate: () => generated });

/** What a reading throws. */
function failure(environment: Environment): Error & { code: string; fix: string } {
  try {
    read(environment);
  } catch (error) {
    return error as Error & { code: string; fix: string };
  }
  throw new Error('it was accepted');
}

it('takes of PostgreSQL what it is told, and the defaults of the store for the rest', () => {
  expect(read({}).postgresLimits).toEqual({});
  expect(
    read({
      DATABASE_POOL_SIZE: '30',
      DATABASE_CONNECT_TIMEOUT_SEC: '2',
      DATABASE_TIMEOUT_SEC: '7',
    }).postgresLimits,
  ).toEqual({ maxConnections: 30, connectTimeoutMs: 2_000, statementTimeoutMs: 7_000 });
});

describe('a wrong value', () => {
  it.each([
    ['HOST', 'http://localhost'],
    ['HOST', 'my host'],
    ['PORT', 'http'],
    ['PORT', '0'],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '5000.5'],
    ['DATABASE_POOL_SIZE', '0'],
    ['DATABASE_TIMEOUT_SEC', '10s'],
    ['DATABASE_CONNECT_TIMEOUT_SEC', '-1'],
    ['SHUTDOWN_DELAY_SEC', '1.5'],
    ['SHUTDOWN_TIMEOUT_SEC', 'never'],
    ['KEYSHIFT_MODE', 'prod'],
    ['REDIRECT_URI', '/auth/callback'],
    ['REDIRECT_URI', 'localhost:5000/auth/callback'],
    ['REDIRECT_URI', 'ftp://localhost/auth/callback'],
    ['REDIRECT_URI', 'http://localhost:5000/auth/callback#top'],
    ['REDIRECT_URI', 'http://user:pass@localhost:5000/auth/callback'],
    ['REDIRECT_URI', 'http://localhost:5000/'],
    ['REDIRECT_URI', 'http://localhost:5000/auth//callback'],
    ['REDIRECT_URI', 'http://localhost:5000/auth/callback?code=x'],
    ['REDIRECT_URI', 'http://localhost:5000/auth/start'],
    ['REDIRECT_URI', 'http://localhost:5000/api/callback'],
    ['REDIRECT_URI', 'http://localhost:5000/connect/callback'],
    ['REDIRECT_URI', 'http://localhost:5000/metrics'],
    ['PUBLIC_URL', 'shop.example'],
    ['PUBLIC_URL', 'mailto:me@shop.example'],
    ['PUBLIC_URL', 'http://localhost:5000/?app=1'],
    ['PUBLIC_URL', 'https://another-host-than-the-callback.example'],
    ['TRUSTED_PROXIES', 'nginx'],
    ['TRUSTED_PROXIES', '10.0.0.0/8, 10.0.0.0/33'],
    ['TRUSTED_PROXIES', '0.0.0.0/0'],
    ['KLAVIYO_SCOPES', 'accounts'],
    ['KLAVIYO_SCOPES', 'accounts:read,profiles:read'],
    ['KLAVIYO_SCOPES', '"accounts:read profiles:read"'],
    ['KLAVIYO_SCOPES', 'profiles:read'],
    ['KLAVIYO_SCOPES', 'accounts:read profiles:read:write'],
    ['KLAVIYO_REVISION', 'latest'],
    ['KLAVIYO_REVISION', '2026-7-15'],
    ['LOG_LEVEL', 'verbose'],
    ['KLAVIYO_AUTHORIZE_URL', 'www.klaviyo.com/oauth/authorize'],
    ['KLAVIYO_TOKEN_URL', 'ftp://a.klaviyo.com/oauth/token'],
    ['KLAVIYO_REVOKE_URL', 'http://'],
    ['KLAVIYO_API_URL', 'https://key:secret@a.klaviyo.com'],
    ['KEYSHIFT_KEYS', 'no-colon'],
    ['KEYSHIFT_KEYS', 'k1:not base64'],
    ['KEYSHIFT_KEYS', 'k1:c2hvcnQ='],
    ['KEYSHIFT_KEYS', `${generated.keys},${generated.keys}`],
    ['KEYSHIFT_METRICS_TOKEN', 'two words'],
    ['KEYSHIFT_SERVICE_TOKENS', 'just-a-token'],
    ['KEYSHIFT_SERVICE_TOKENS', 'name:'],
    ['KEYSHIFT_SERVICE_TOKENS', 'shop:token-1,two words:token-2'],
    ['KEYSHIFT_SERVICE_TOKENS', 'shop:token 1'],
    ['KEYSHIFT_SERVICE_TOKENS', 'shop:token-1,'],
  ])('of %s is named with what is wrong and a fix: %j', (name, value) => {
    const error = failure({ [name]: value });
    expect(error).toMatchObject({ name: 'KeyshiftError', code: 'config_invalid' });
    expect(error.message).toMatch(new RegExp(`\\b${name}\\b.{5,}\\.$`));
    expect(error.fix).toMatch(/^[A-Z].{10,}\.$/);
  });

  it.each(['mysql://localhost/db', 'sqlite:', 'postgres://app:p%zz@db/keyshift', 'keyshift.db'])(
    'of DATABASE_URL is named before anything listens: %j',
    async (databaseUrl) => {
      const config = read({ DATABASE_URL: databaseUrl, LOG_LEVEL: 'silent' });
      await expect(openWorkbench(config)).rejects.toMatchObject({
        code: 'config_invalid',
        message: expect.stringMatching(/^DATABASE_URL /) as string,
        fix: expect.stringContaining('DATABASE_URL') as string,
      });
    },
  );

  it.each([
    ['CLIENT_ID', 'CLIENT_SECRET'],
    ['CLIENT_SECRET', 'CLIENT_ID'],
  ])('is %s without %s, and its value is not shown', (present, missing) => {
    const error = failure({ [present]: 'value-of-the-one-present' });
    expect(error.message).toContain(missing);
    expect(error.message + error.fix).not.toContain('value-of-the-one-present');
  });

  it('of a secret is never repeated', () => {
    const secrets = [
      { KEYSHIFT_KEYS: 'k1:very-secret-but-wrong' },
      { KEYSHIFT_SERVICE_TOKENS: 'very-secret-but-wrong' },
      { KLAVIYO_API_URL: 'https://key:very-secret-but-wrong@a.klaviyo.com' },
      { REDIRECT_URI: 'very-secret-but-wrong' },
    ];
    for (const environment of secrets) {
      const error = failure(environment);
      expect(error.message + error.fix).not.toContain('very-secret');
    }
  });
});

describe('a value as a template or another program left it', () => {
  it.each([
    ['KEYSHIFT_MODE', '"production"', 'quotes'],
    ['CLIENT_SECRET', "'secret'", 'quotes'],
    ['KEYSHIFT_MODE', 'production\u200b', 'invisible'],
    ['DATABASE_URL', 'sqlite:./a\u0000b', 'invisible'],
    ['SESSION_SECRET', 'a\ufeffb', 'invisible'],
  ])('is refused by the name of its variable: %s', (name, value, what) => {
    const error = failure({ [name]: value });
    expect(error.message).toMatch(new RegExp(`^${name} .*${what}`));
    expect(error.message + error.fix).not.toContain(value);
  });
});

describe('a scope', () => {
  it.each([
    ['list:read', 'lists:read'],
    ['profile:write', 'profiles:write'],
    ['lists.read', 'lists:read'],
    ['Lists:Read', 'lists:read'],
    ['event:write', 'events:write'],
    ['lists:raed', 'lists:read'],
  ])('that is a slip away from one of Klaviyo’s is refused: %s', (scope, meant) => {
    expect(failure({ KLAVIYO_SCOPES: `accounts:read ${scope}` })).toMatchObject({
      message: `KLAVIYO_SCOPES contains "${scope}".`,
      fix: expect.stringContaining(`Did you mean "${meant}"?`) as string,
    });
  });

  it('that Klaviyo may have added since is taken, and warned about', () => {
    const { scope, warnings } = read({ KLAVIYO_SCOPES: 'accounts:read loyalty:read' });
    expect(scope).toBe('accounts:read loyalty:read');
    expect(warnings).toEqual([expect.stringContaining('"loyalty:read"')]);
  });
});

describe('the callback', () => {
  const pathOf = (environment: Environment) => callbackPathOf(read(environment));

  it('is served at the path of REDIRECT_URI, whatever it is', () => {
    expect(pathOf({})).toBe('/auth/callback');
    for (const path of ['/auth/callback/', '/Auth/Callback', '/oauth/klaviyo', '/x/cb%20y']) {
      expect(pathOf({ REDIRECT_URI: `http://localhost:5000${path}` })).toBe(path);
    }
    expect(pathOf({ REDIRECT_URI: 'http://localhost:5000/auth/callback?x=1' })).toBe(
      '/auth/callback',
    );
  });

  it('is served below the path of PUBLIC_URL, which a proxy in front takes off', () => {
    const PUBLIC_URL = 'https://app.example/klaviyo';
    for (const path of ['/auth/callback', '/auth/callback/', '/cb']) {
      expect(pathOf({ PUBLIC_URL, REDIRECT_URI: PUBLIC_URL + path })).toBe(path);
    }
    expect(pathOf({ REDIRECT_URI: 'https://app.example/klaviyo/auth/callback/' })).toBe(
      '/auth/callback/',
    );
  });

  it('at another port of this machine than the server’s is warned about', () => {
    expect(
      read({ PORT: '5300', REDIRECT_URI: 'http://localhost:5000/auth/callback' }),
    ).toMatchObject({
      warnings: ['REDIRECT_URI leads to port 5000 of this machine, and PORT is 5300'],
    });
    expect(read({ REDIRECT_URI: 'https://tunnel.example/auth/callback' }).warnings).toEqual([]);
  });
});

describe('a name that looks like a setting and is none', () => {
  it.each([
    ['KEYSHIFT_MOD', 'KEYSHIFT_MODE'],
    ['keyshift_mode', 'KEYSHIFT_MODE'],
    ['KEYSHIFT-MODE', 'KEYSHIFT_MODE'],
    ['\ufeffKEYSHIFT_MODE', 'KEYSHIFT_MODE'],
    ['"KEYSHIFT_MODE"', 'KEYSHIFT_MODE'],
    ['export KEYSHIFT_MODE', 'KEYSHIFT_MODE'],
    ['KEYSHIFT_SERVICE_TOKEN', 'KEYSHIFT_SERVICE_TOKENS'],
    ['KEYSHIFT_KEY', 'KEYSHIFT_KEYS'],
    ['KEYSHIFT_ADMIN_PASWORD', 'KEYSHIFT_ADMIN_PASSWORD'],
  ])('is refused where nobody else has such names: %s', (name, meant) => {
    expect(failure({ [name]: 'x' })).toMatchObject({
      code: 'config_invalid',
      fix: expect.stringContaining(`Did you mean ${meant}?`) as string,
    });
  });

  it.each([
    ['KLAVIYO_SCOPE', 'KLAVIYO_SCOPES'],
    ['CLIENT_SECERT', 'CLIENT_SECRET'],
    ['client_id', 'CLIENT_ID'],
    ['KLAVIYO_CLIENT_ID', 'CLIENT_ID'],
    ['KEYSHIFT_PORT', 'PORT'],
    ['REDIRECT_URL', 'REDIRECT_URI'],
    ['DATABASE_URI', 'DATABASE_URL'],
    ['\ufeffHOST', 'HOST'],
  ])('is warned about where it may be of somebody else: %s', (name, meant) => {
    expect(read({ [name]: 'x' }).warnings).toEqual([
      `${JSON.stringify(name)} is not a setting of Keyshift and is not read: did you mean ${meant}?`,
    ]);
  });

  it('is warned about without a guess where it is far from all', () => {
    expect(read({ KEYSHIFT_COLOR: 'blue' }).warnings).toEqual([
      '"KEYSHIFT_COLOR" is not a setting of Keyshift and is not read',
    ]);
  });

  it('is no name that every machine has, or of Klaviyo’s own', () => {
    const others = ['HOSTNAME', 'PATH', 'POSTS', 'HOME', 'LOGNAME', 'KLAVIYO_API_KEY', 'NODE_ENV'];
    const environment = Object.fromEntries(others.map((name) => [name, 'x']));
    expect(read(environment).warnings).toEqual([]);
  });
});

describe('production without settings', () => {
  it('tells all that are missing at once', () => {
    expect(failure({ KEYSHIFT_MODE: 'production' })).toMatchObject({
      message:
        'SESSION_SECRET, KEYSHIFT_ADMIN_PASSWORD, KEYSHIFT_KEYS, REDIRECT_URI, CLIENT_ID and CLIENT_SECRET are not set.',
    });
    const one = { SESSION_SECRET: 's'.repeat(32), KEYSHIFT_KEYS: generated.keys };
    const all = {
      ...one,
      REDIRECT_URI: 'https://a.example/auth/callback',
      KEYSHIFT_MODE: 'production',
    };
    expect(failure({ ...all, CLIENT_ID: 'x', CLIENT_SECRET: 'y' }).message).toBe(
      'KEYSHIFT_ADMIN_PASSWORD is not set.',
    );
  });
});

describe('production', () => {
  const production = {
    KEYSHIFT_MODE: 'production',
    CLIENT_ID: 'app-one',
    CLIENT_SECRET: 'secret-one',
    REDIRECT_URI: 'https://keyshift.example/auth/callback',
    SESSION_SECRET: 'vK3r9TqLw2ZxB7nD5mYc1HgJ8pSfA4eU',
    KEYSHIFT_ADMIN_PASSWORD: 'mellow-otter7',
    KEYSHIFT_KEYS: generated.keys,
    KEYSHIFT_SERVICE_TOKENS: 'shop:Qx7bN2kTz9LmVw4RcYs6Ghd1',
  };

  it.each(['SESSION_SECRET', 'KEYSHIFT_ADMIN_PASSWORD', 'KEYSHIFT_KEYS'])(
    'does not make up a %s',
    (name) => {
      const generate = vi.fn(() => generated);
      const environment = { ...production, [name]: undefined };
      expect(() => readConfig(environment, { generate })).toThrow(name);
      expect(generate).not.toHaveBeenCalled();
    },
  );

  it.each([
    ['SESSION_SECRET', 's'.repeat(31)],
    ['KEYSHIFT_ADMIN_PASSWORD', 'p'.repeat(11)],
    ['KEYSHIFT_SERVICE_TOKENS', `shop:${'t'.repeat(23)}`],
    ['KEYSHIFT_SERVICE_TOKENS', 'shop:Qx7bN2kTz9LmVw4RcYs6Ghd1,other:short'],
    ['KEYSHIFT_METRICS_TOKEN', 'short'],
    ['KEYSHIFT_ADMIN_PASSWORD', 'aaaaaaaaaaaa'],
    ['KEYSHIFT_ADMIN_PASSWORD', 'abababababab'],
    ['KEYSHIFT_ADMIN_PASSWORD', 'password1234'],
    ['KEYSHIFT_ADMIN_PASSWORD', 'Admin-Password-2026'],
    ['KEYSHIFT_ADMIN_PASSWORD', 'abcdefghijkl'],
    ['KEYSHIFT_ADMIN_PASSWORD', '$(openssl rand -base64 18)'],
    ['KEYSHIFT_ADMIN_PASSWORD', 'your-admin-password'],
    ['SESSION_SECRET', '0123456789abcdef0123456789abcdef'],
    ['SESSION_SECRET', 'secret'.repeat(6)],
    ['SESSION_SECRET', 'hunter2!'.repeat(5)],
    ['SESSION_SECRET', 'please-change-me-before-production'],
    ['SESSION_SECRET', '<32 random characters from openssl>'],
    ['WEBHOOK_SECRET', 'x'.repeat(16)],
    ['CLIENT_SECRET', 'your-client-secret'],
    ['CLIENT_SECRET', 'the-secret-as-klaviyo-showed-it'],
    ['KEYSHIFT_KEYS', `k1:${Buffer.alloc(32).toString('base64')}`],
    ['KEYSHIFT_KEYS', `${generated.keys},k2:${Buffer.alloc(32, 7).toString('base64')}`],
    ['KEYSHIFT_KEYS', `k1:${Buffer.from([...Array(32).keys()]).toString('base64')}`],
    ['KEYSHIFT_KEYS', `k1:${Buffer.from('keyshift-key-of-32-bytes-exactly').toString('base64')}`],
    ['KEYSHIFT_KEYS', `k1:${Buffer.from('9fK2xT7q9fK2xT7q9fK2xT7q9fK2xT7q').toString('base64')}`],
    ['REDIRECT_URI', 'http://keyshift.example/auth/callback'],
    ['PUBLIC_URL', 'http://keyshift.example'],
    ['KLAVIYO_API_URL', 'http://klaviyo.example'],
    ['KLAVIYO_TOKEN_URL', 'http://klaviyo.example/oauth/token'],
  ])('refuses a weak %s', (name, value) => {
    const error = failure({ ...production, [name]: value });
    expect(error).toMatchObject({ code: 'config_invalid' });
    expect(error.message).toContain(name);
    expect(error.fix).not.toBe('');
  });

  it.each([
    ['SESSION_SECRET', 'KEYSHIFT_METRICS_TOKEN'],
    ['KEYSHIFT_METRICS_TOKEN', 'SESSION_SECRET'],
    ['CLIENT_SECRET', 'SESSION_SECRET'],
    ['KEYSHIFT_ADMIN_PASSWORD', 'SESSION_SECRET'],
  ])('refuses one value for %s and %s', (one, other) => {
    const value = 'vK3r9TqLw2ZxB7nD5mYc1HgJ8pSfA4eU';
    const error = failure({ ...production, [one]: value, [other]: value });
    expect(error.message).toMatch(/ has the same value as /);
    expect(error.message).toContain(one);
    expect(error.message).not.toContain(value);
  });

  it('refuses one value for two service tokens, and for two keys', () => {
    const token = 'Qx7bN2kTz9LmVw4RcYs6Ghd1';
    const tokens = { KEYSHIFT_SERVICE_TOKENS: `shop:${token},cron:${token}` };
    expect(failure({ ...production, ...tokens }).message).toContain('(cron) has the same value');
    const keys = { KEYSHIFT_KEYS: `${generated.keys},k2:${generated.keys.split(':')[1] ?? ''}` };
    expect(failure({ ...production, ...keys }).message).toContain('(k2) has the same value');
  });

  it('takes whatever a generator makes', () => {
    for (let round = 0; round < 300; round += 1) {
      const random = (encoding: 'hex' | 'base64' | 'base64url', bytes = 32) =>
        systemRandom.bytes(bytes).toString(encoding);
      read({
        ...production,
        SESSION_SECRET: random('hex', 16),
        KEYSHIFT_ADMIN_PASSWORD: random('base64', 9),
        KEYSHIFT_KEYS: generateKeyringEntry(systemRandom),
        KEYSHIFT_SERVICE_TOKENS: `a:${random('hex')},b:${random('base64url', 18)}`,
      });
    }
  });

  it('is warned of in development, where a weak secret stops nothing', () => {
    expect(
      read({ FLASK_SECRET_KEY: 'dev', KEYSHIFT_ADMIN_PASSWORD: 'aaaaaaaaaaaa' }).warnings,
    ).toEqual([
      'FLASK_SECRET_KEY has fewer than 32 characters: production will refuse it',
      'KEYSHIFT_ADMIN_PASSWORD has hardly any different characters: production will refuse it',
    ]);
  });

  it('refuses a weak secret under the seed demo’s name by that name', () => {
    const environment = { ...production, SESSION_SECRET: undefined, FLASK_SECRET_KEY: 'dev' };
    expect(failure(environment).message).toContain('FLASK_SECRET_KEY');
  });

  it('never runs against the built-in sandbox', () => {
    const config = read({ ...production, CLIENT_ID: undefined, CLIENT_SECRET: undefined });
    expect(config).toMatchObject({ sandbox: false, endpoints: klaviyoEndpoints });
    expect(() => requireClient(config)).toThrow('CLIENT_ID');
  });

  it('is what a host that others can reach means', () => {
    const { KEYSHIFT_MODE: _mode, ...rest } = production;
    for (const host of ['0.0.0.0', '::', 'keyshift.example', '10.0.0.7']) {
      expect(read({ ...rest, HOST: host }).mode).toBe('production');
    }
  });

  it('starts with secrets of its own, and with plain http on this machine', () => {
    expect(read(production)).toMatchObject({
      mode: 'production',
      publicUrl: 'https://keyshift.example',
      sandbox: false,
    });
    const local = { ...production, REDIRECT_URI: 'http://127.0.0.1:5000/auth/callback' };
    expect(read(local).redirectUri).toBe('http://127.0.0.1:5000/auth/callback');
    expect(read({ ...production, KEYSHIFT_SERVICE_TOKENS: '' }).serviceTokens).toEqual([]);
  });
});

describe('development', () => {
  it('needs nothing at all, and then runs against the sandbox beside it', () => {
    const config = read({});
    expect(config).toMatchObject({
      mode: 'development',
      host: 'localhost',
      port: 5000,
      publicUrl: 'http://localhost:5000',
      redirectUri: 'http://localhost:5000/auth/callback',
      revision: '2026-07-15',
      logLevel: 'info',
      sandbox: true,
      endpoints: { apiUrl: 'http://localhost:5001' },
    });
    expect(config.sessionSecret.equals(generated.sessionSecret)).toBe(true);
    expect(config.serviceTokens).toHaveLength(1);
  });

  it('runs against Klaviyo once there is an app', () => {
    const config = read({ CLIENT_ID: 'app-one', CLIENT_SECRET: 'secret-one' });
    expect(config).toMatchObject({
      sandbox: false,
      endpoints: klaviyoEndpoints,
      scope: 'accounts:read profiles:read',
    });
    expect(config.databaseUrl.reveal()).toBe('sqlite:./data/keyshift.db');
    expect(requireClient(config).clientSecret.reveal()).toBe('secret-one');
  });

  it('takes an empty variable for one that is not set', () => {
    const config = read({ PORT: '', CLIENT_ID: ' ', LOG_LEVEL: '' });
    expect(JSON.stringify(config)).toBe(JSON.stringify(read({})));
  });

  it('passes the redirect URI on as it was written, and lets PUBLIC_URL differ from it', () => {
    const config = read({
      REDIRECT_URI: 'http://LOCALHOST:5000/auth/callback?x=1',
      PUBLIC_URL: 'https://localhost/',
    });
    expect(config.redirectUri).toBe('http://LOCALHOST:5000/auth/callback?x=1');
    expect(config.publicUrl).toBe('https://localhost');
  });

  it('takes the path of an application’s mount from REDIRECT_URI, or from PUBLIC_URL', () => {
    const publicUrl = (variables: Record<string, string>) => read(variables).publicUrl;
    const REDIRECT_URI = 'http://localhost:3000/klaviyo/auth/callback';
    expect(publicUrl({ REDIRECT_URI })).toBe('http://localhost:3000/klaviyo');
    const PUBLIC_URL = 'http://localhost:3000/other/';
    expect(publicUrl({ REDIRECT_URI, PUBLIC_URL })).toBe('http://localhost:3000/other');
    const elsewhere = 'http://localhost:3000/oauth/return';
    expect(publicUrl({ REDIRECT_URI: elsewhere })).toBe('http://localhost:3000');
  });
});
