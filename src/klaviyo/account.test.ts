import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskAccountId, parseAccountsReply } from './account.ts';

const account = {
  type: 'account',
  id: 'AbC123',
  attributes: {
    test_account: false,
    contact_information: {
      default_sender_name: 'Sender',
      organization_name: 'Alpha & Sons',
      default_sender_email: 'hello@alpha.example',
    },
    public_api_key: 'AbC123',
  },
};
const reply = (...data: unknown[]) => JSON.stringify({ data });

describe('parseAccountsReply', () => {
  it.each([
    ['HTML', '<!DOCTYPE html><title>Just a moment...</title>'],
    ['nothing', ''],
    ['an incomplete answer', reply(account).slice(0, 60)],
    ['null', 'null'],
    ['an error', '{"errors":[{"code":"throttled"}]}'],
    ['no account', reply()],
    ['two accounts', reply(account, { ...account, id: 'XyZ789' })],
    ['one account outside of a list', JSON.stringify({ data: account })],
    ['an account without an id', reply({ ...account, id: undefined })],
    ['an id that is a number', reply({ ...account, id: 123456 })],
    ['an id that is empty', reply({ ...account, id: '' })],
    ['an id with a line break', reply({ ...account, id: 'AbC123\n' })],
    ['an id that is a path', reply({ ...account, id: '../x' })],
  ])('finds no account in %s', (_name, body) => {
    expect(parseAccountsReply(body)).toBeUndefined();
  });

  it('never throws and never answers an odd id, whatever the body', () => {
    const id = fc.oneof(fc.string(), fc.constant('AbC123'), fc.integer());
    const body = fc.oneof(
      fc.string(),
      fc.json(),
      id.map((value) => reply({ ...account, id: value })),
    );
    fc.assert(
      fc.property(body, (text) => {
        const parsed = parseAccountsReply(text);
        if (parsed) expect(parsed.accountId).toMatch(/^[\w-]{1,64}$/);
      }),
    );
  });

  it('reads id, name and whether it is a test account', () => {
    expect(parseAccountsReply(reply(account))).toEqual({
      accountId: 'AbC123',
      name: 'Alpha & Sons',
      testAccount: false,
    });
    const attributes = { ...account.attributes, test_account: true };
    expect(parseAccountsReply(reply({ ...account, attributes }))).toMatchObject({
      testAccount: true,
    });
  });

  it.each([
    [{ contact_information: { organization_name: '', default_sender_name: 'Sender' } }, 'Sender'],
    [{ contact_information: { organization_name: null, default_sender_name: 7 } }, undefined],
    [{ contact_information: 'none' }, undefined],
    [undefined, undefined],
  ])('keeps the account when its details are %j', (attributes, name) => {
    expect(parseAccountsReply(reply({ id: 'AbC123', attributes }))).toEqual({
      accountId: 'AbC123',
      name,
      testAccount: false,
    });
  });
});

describe('maskAccountId', () => {
  it('shows two characters and hides the rest', () => {
    expect(maskAccountId('AbC123')).toBe('Ab••••');
    expect(maskAccountId('A')).toBe('A');
  });
});
