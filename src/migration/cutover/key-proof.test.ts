import { describe, expect, it } from 'vitest';
import { answerWith } from '../../../test/support/canned-api.ts';
import { privateKey } from '../../../test/support/workbench-fixture.ts';
import type { Credentials } from '../../calls/credentials.ts';
import { createKeyProofs, redactKey } from './key-proof.ts';

const key = privateKey('alpha');
const other = { id: 'other', attributes: { status: 'active', redacted_key: 'pk_****zzzz' } };
const own = (status: string, id = 'own') => ({
  ...{ type: 'api-key', id },
  attributes: { status, redacted_key: redactKey(key) },
});
const list = (...data: object[]) => ({ data, links: { next: null } });

function open(
  answers: readonly unknown[],
  scope = 'accounts:read credentials:read credentials:write',
) {
  const api = answerWith(answers);
  const proofs = createKeyProofs({
    callApi: api.call,
    credentials: {} as Credentials,
    grantedScope: () => Promise.resolve(scope),
    lookUpAccount: () => Promise.resolve({ kind: 'rejected' }),
  });
  return { api, proofs, disable: () => proofs.disable(key, 'AAA111') };
}

describe('the proof of a dead key', () => {
  it('is Klaviyo’s refusal', async () => {
    expect(await open([]).proofs.probe(key)).toMatchObject({ dead: true, proof: 'refused' });
  });

  it('is the status after it was disabled by the beta endpoint', async () => {
    const { api, disable } = open([
      { ...list(other), links: { next: 'https://a.klaviyo.com/api/api-keys?page[cursor]=2' } },
      list(own('active')),
      { data: own('disabled') },
      { data: own('disabled') },
    ]);
    expect(await disable()).toMatchObject({ dead: true, proof: 'disabled' });
    expect(api.calls.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /api/api-keys?additional-fields[api-key]=redacted_key',
      'GET https://a.klaviyo.com/api/api-keys?page[cursor]=2',
      'PATCH /api/api-keys/own',
      'GET /api/api-keys/own',
    ]);
    expect(api.calls.every(({ headers }) => headers?.['revision'] === '2026-07-15.pre')).toBe(true);
  });

  it('is not the request alone', async () => {
    const answers = [list(own('active')), { data: own('active') }, { data: own('active') }];
    expect(await open(answers).disable()).toMatchObject({ dead: false, proof: undefined });
  });

  it('disables no key that only looks like it, and none without the scopes', async () => {
    await expect(open([list(other)]).disable()).rejects.toMatchObject({ code: 'key_not_found' });
    const twice = open([list(own('active'), own('active', 'twin'))]);
    await expect(twice.disable()).rejects.toThrow('2 keys that look like the stored one');
    expect(twice.api.calls).toHaveLength(1);
    const forbidden = open([], 'accounts:read credentials:read');
    await expect(forbidden.disable()).rejects.toThrow('credentials:write');
    expect(forbidden.api.calls).toEqual([]);
  });
});
