import { describe, expect, it } from 'vitest';
import { openTestBench } from '../../test/support/workbench-fixture.ts';
import { Secret } from '../runtime/secret.ts';
import { findServiceToken, identifyTarget, type NamedToken } from './proxy-caller.ts';

const tokens: NamedToken[] = [
  { name: 'shop', token: new Secret('service_token', 'token-of-the-shop') },
  { name: 'jobs', token: new Secret('service_token', 'token-of-the-jobs') },
];
const service = { authorization: 'Bearer token-of-the-jobs' };
const key = 'pk_0123456789abcdef';
const withKey = { authorization: `Klaviyo-API-Key ${key}` };

describe('findServiceToken', () => {
  it.each([
    undefined,
    '',
    'token-of-the-shop',
    'Bearer',
    'Bearer ',
    'Bearer token-of-the',
    'Bearer token-of-the-shop-x',
    'Bearer TOKEN-OF-THE-SHOP',
    'Bearer [service_token]',
    'Bearer token-of-the-shop token-of-the-jobs',
    'Basic token-of-the-shop',
    'Klaviyo-API-Key token-of-the-shop',
  ])('knows nobody by %j', (authorization) => {
    expect(findServiceToken(authorization, tokens)).toBeUndefined();
  });

  it('knows the service of a token, whatever the case of the scheme', () => {
    expect(findServiceToken('Bearer token-of-the-shop', tokens)?.name).toBe('shop');
    expect(findServiceToken('bearer  token-of-the-jobs', tokens)?.name).toBe('jobs');
    expect(findServiceToken('Bearer token-of-the-shop', [])).toBeUndefined();
  });
});

describe('a caller', () => {
  it.each([
    ['no credentials', {}],
    ['an unknown service token', { authorization: 'Bearer x', 'keyshift-account': 'AAA111' }],
    ['an unknown key', { authorization: 'Klaviyo-API-Key pk_unknown0123456' }],
    ['a key that is none', { authorization: 'Klaviyo-API-Key 0123' }],
    ['a key as a bearer token', { authorization: `Bearer ${key}` }],
    ['a key without a scheme', { authorization: key }],
  ])('with %s is not known, and told so without an echo', async (_name, headers) => {
    await using bench = await openTestBench();
    await bench.add('acme', { key, accountId: 'AAA111' });
    const error: unknown = await identifyTarget(headers, bench.store, tokens).catch(
      (failure: unknown) => failure,
    );
    expect(error).toMatchObject({ code: 'unauthenticated', status: 401 });
    expect(JSON.stringify(error)).not.toMatch(/pk_|Bearer x/);
  });

  it('with a service token has to say for whom the call is', async () => {
    await using bench = await openTestBench();
    await expect(identifyTarget(service, bench.store, tokens)).rejects.toMatchObject({
      code: 'request_invalid',
      message: expect.stringContaining('Keyshift-Account') as string,
    });
    const unknown = { ...service, 'keyshift-customer': 'nobody' };
    await expect(identifyTarget(unknown, bench.store, tokens)).rejects.toMatchObject({
      code: 'connection_not_found',
    });
  });

  it.each([
    ['in UTF-8, as Node gives its bytes', Buffer.from('Müller & Søn').toString('latin1')],
    ['in Latin-1', 'Müller & Søn'],
    ['percent-encoded', 'M%C3%BCller%20%26%20S%c3%b8n'],
    ['percent-encoded in part', 'M%C3%BCller & S%C3%B8n'],
  ])('may name its customer %s', async (_, header) => {
    await using bench = await openTestBench();
    const { id } = await bench.add('Müller & Søn', { key, accountId: 'AAA111' });
    const headers = { ...service, 'keyshift-customer': header };
    const target = await identifyTarget(headers, bench.store, tokens);
    expect(target).toMatchObject({ kind: 'connection', connection: { id } });
  });

  it('names a customer with a percent sign by %25, and never another one', async () => {
    await using bench = await openTestBench();
    const encoded = await bench.add('a%20b', { key, accountId: 'AAA111' });
    const plain = await bench.add('a b', { key: 'pk_another0123456', accountId: 'BBB222' });
    const rabatt = await bench.add('100% Rabatt', { key: 'pk_third01234567', accountId: 'CCC333' });
    const idOf = async (header: string) => {
      const headers = { ...service, 'keyshift-customer': header };
      const target = await identifyTarget(headers, bench.store, tokens);
      return target.kind === 'connection' ? target.connection.id : undefined;
    };
    expect(await idOf('a%2520b')).toBe(encoded.id);
    expect(await idOf('a%20b')).toBe(plain.id);
    expect(await idOf('100% Rabatt')).toBe(rabatt.id);
  });

  it('with a private key is that key’s customer, also long after the key was destroyed', async () => {
    await using bench = await openTestBench();
    const connection = await bench.add('acme', { key });
    const target = { kind: 'connection', connection, byKey: true };
    expect(await identifyTarget(withKey, bench.store, tokens)).toEqual(target);
    const lower = { authorization: `klaviyo-api-key  ${key}` };
    expect(await identifyTarget(lower, bench.store, tokens)).toEqual(target);
    await bench.store.privateKeys.destroy(connection.id, bench.clock.now());
    const keyless = { ...target, connection: await bench.read('acme') };
    expect(await identifyTarget(withKey, bench.store, tokens)).toEqual(keyless);
  });

  it('with a replaced private key is not known any more', async () => {
    await using bench = await openTestBench();
    const connection = await bench.add('acme', { key });
    const newer = new Secret('private_key', 'pk_newer0123456789');
    await bench.store.privateKeys.put(connection.id, newer, bench.clock.now());
    await expect(identifyTarget(withKey, bench.store, tokens)).rejects.toMatchObject({
      code: 'unauthenticated',
    });
  });

  it('with a key or an account of several customers is the one that is on OAuth', async () => {
    await using bench = await openTestBench();
    await bench.add('first', { key, accountId: 'AAA111' });
    const connection = await bench.add('second', { key, accountId: 'AAA111', route: 'oauth' });
    await bench.add('third', { key, accountId: 'AAA111' });
    const target = { kind: 'connection', connection, byKey: true };
    expect(await identifyTarget(withKey, bench.store, tokens)).toEqual(target);
    const byAccount = { ...service, 'keyshift-account': 'AAA111' };
    expect(await identifyTarget(byAccount, bench.store, tokens)).toEqual({
      ...target,
      byKey: false,
    });
  });

  it('with a service token may name a customer, or an account that has none', async () => {
    await using bench = await openTestBench();
    const connection = await bench.add('acme', { accountId: 'AAA111' });
    const identify = (headers: Record<string, string>) =>
      identifyTarget({ ...service, ...headers }, bench.store, tokens);
    const target = { kind: 'connection', connection, byKey: false };
    expect(await identify({ 'keyshift-customer': 'acme' })).toEqual(target);
    expect(await identify({ 'keyshift-account': 'AAA111' })).toEqual(target);
    expect(await identify({ 'keyshift-account': 'ZZZ999', 'keyshift-customer': 'acme' })).toEqual(
      target,
    );
    expect(await identify({ 'keyshift-account': 'ZZZ999' })).toEqual({
      kind: 'account',
      accountId: 'ZZZ999',
    });
  });
});
