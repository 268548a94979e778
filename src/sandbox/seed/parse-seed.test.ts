import { describe, expect, it } from 'vitest';
import { testSeed } from '../../../test/support/sandbox-client.ts';
import { createSampleSeed } from './sample-seed.ts';
import { parseSeed } from './parse-seed.ts';

const [account] = testSeed.accounts;
const [app] = testSeed.apps;
const secret = 'pk_verysecret!';

describe('parseSeed', () => {
  it.each([
    ['nothing', undefined, 'the whole seed'],
    ['no apps', { accounts: [] }, 'apps'],
    ['an id of five', { ...testSeed, accounts: [{ ...account, id: 'AAA11' }] }, 'accounts[0].id'],
    [
      'a key that is none',
      {
        ...testSeed,
        accounts: [{ ...account, keys: [{ key: secret, name: 'x', scopes: 'full' }] }],
      },
      'accounts[0].keys[0].key',
    ],
    [
      'scopes that are none',
      {
        ...testSeed,
        accounts: [{ ...account, keys: [{ key: 'pk_a', name: 'x', scopes: ['all'] }] }],
      },
      'accounts[0].keys[0].scopes',
    ],
    ['a word it does not know', { ...testSeed, acounts: [] }, 'acounts'],
    [
      'a wrong scope',
      {
        ...testSeed,
        accounts: [
          { ...account, keys: [{ key: 'pk_a', name: 'x', scopes: ['metrics:read', 'all'] }] },
        ],
      },
      'accounts[0].keys[0].scopes[1]',
    ],
    [
      'an install of no app',
      { ...testSeed, installs: [{ accountId: 'AAA111', clientId: 'x' }] },
      'installs[0].clientId',
    ],
    [
      'a setting out of range',
      { ...testSeed, settings: { codeLifetimeSec: 0 } },
      'settings.codeLifetimeSec',
    ],
    [
      'a redirect URI with a fragment',
      { ...testSeed, apps: [{ ...app, redirectUris: ['http://localhost/#x'] }] },
      'apps[0].redirectUris[0]',
    ],
    ['an account twice', { ...testSeed, accounts: [account, account] }, 'accounts[1].id'],
    [
      'a key twice',
      { ...testSeed, accounts: [account, { ...account, id: 'CCC333' }] },
      'accounts[1].keys[0].key',
    ],
    [
      'a list of a profile of nobody',
      { ...testSeed, accounts: [{ ...account, lists: [{ name: 'A', profiles: ['x@y.co'] }] }] },
      'accounts[0].lists[0].profiles[0]',
    ],
    [
      'a segment twice',
      { ...testSeed, accounts: [{ ...account, segments: [{ name: 'A' }, { name: 'A' }] }] },
      'accounts[0].segments[1].name',
    ],
    [
      'a flow that nothing starts',
      {
        ...testSeed,
        accounts: [{ ...account, flows: [{ name: 'F', trigger: { metric: 'Nothing' } }] }],
      },
      'accounts[0].flows[0].trigger',
    ],
    ['an app twice', { ...testSeed, apps: [app, app] }, 'apps[1].clientId'],
    [
      'a person with an account of nobody',
      { ...testSeed, users: [{ email: 'a@b.co', accounts: ['ZZZ999'] }] },
      'users[0].accounts[0]',
    ],
  ])('refuses %s, naming the place and never the value', (_, value, place) => {
    let error: unknown;
    try {
      parseSeed(value);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'config_invalid' });
    expect(String(error)).toContain(`The sandbox seed is not valid: ${place}`);
    expect(String(error)).not.toContain(secret);
  });

  it('takes a seed as it is', () => {
    expect(parseSeed(testSeed)).toEqual(testSeed);
  });
});

describe('createSampleSeed', () => {
  it('makes as many accounts as asked for, each with its own id and key', () => {
    const seed = createSampleSeed({ customers: 2_000 });
    expect(parseSeed(seed)).toEqual(seed);
    expect(seed.accounts).toHaveLength(2_000);
    expect(new Set(seed.accounts.map(({ id }) => id)).size).toBe(2_000);
    for (const { id, keys } of seed.accounts) {
      expect(id).toMatch(/^[A-Za-z0-9]{6}$/);
      expect(keys[0]?.key).toMatch(/^pk_[A-Za-z0-9]{34}$/);
      expect(keys[0]?.scopes === 'full' || keys[0]?.scopes.includes('accounts:read')).toBe(true);
    }
  });

  it('gives the same seed for the same number, and another for another', () => {
    const one = createSampleSeed({ customers: 3, seed: 7 });
    expect(createSampleSeed({ customers: 3, seed: 7 })).toEqual(one);
    expect(createSampleSeed({ customers: 3, seed: 8 }).accounts[0]?.id).not.toBe(
      one.accounts[0]?.id,
    );
  });

  it('has one app for the demo’s redirect URI, parts of which can be replaced', () => {
    const [sample] = createSampleSeed({ customers: 1 }).apps;
    expect(sample?.redirectUris).toEqual(['http://localhost:5000/auth/callback']);
    const redirectUris = ['http://localhost:1/cb'];
    const [changed] = createSampleSeed({ customers: 1, app: { redirectUris } }).apps;
    expect(changed).toEqual({ ...sample, redirectUris });
  });
});
