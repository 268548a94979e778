import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAccountsReply } from '../../../klaviyo/account.ts';
import { startTestSandbox, type TestSandbox } from '../../../../test/support/sandbox-client.ts';

let test: TestSandbox;
beforeAll(async () => {
  test = await startTestSandbox();
});
afterAll(() => test.sandbox.close());

describe('accounts', () => {
  it('hides every account but the credential’s own', async () => {
    expect((await test.get('/api/accounts/BBB222')).status).toBe(404);
    expect((await test.get('/api/accounts/nobody')).status).toBe(404);
  });

  it('refuses parameters it does not take', async () => {
    expect((await test.get('/api/accounts?page[size]=1')).status).toBe(400);
    expect((await test.get('/api/accounts?fields[account]=shoe_size')).status).toBe(400);
  });

  it('shows only the fields that are asked for', async () => {
    const fields = 'timezone,contact_information.organization_name';
    const reply = await test.get(`/api/accounts?fields[account]=${fields}`);
    expect(reply.at('data.0.attributes')).toEqual({
      timezone: 'US/Eastern',
      contact_information: { organization_name: 'Alpha & Sons' },
    });
  });

  it('answers the one account of a key and of an install alike, with or without a slash', async () => {
    const { access_token } = await test.install('AAA111');
    for (const path of ['/api/accounts', '/api/accounts/']) {
      for (const credential of ['pk_alphafull', access_token]) {
        const reply = await test.get(path, credential);
        expect(reply.status).toBe(200);
        expect(reply.at('data.length')).toBe(1);
        expect(reply.at('data.0')).toMatchObject({
          type: 'account',
          id: 'AAA111',
          attributes: {
            test_account: false,
            public_api_key: 'AAA111',
            contact_information: {
              organization_name: 'Alpha & Sons',
              default_sender_email: 'owner@alpha.example',
            },
          },
        });
        expect(parseAccountsReply(reply.body)).toEqual({
          accountId: 'AAA111',
          name: 'Alpha & Sons',
          testAccount: false,
        });
      }
    }
    expect((await test.get('/api/accounts', 'pk_betafull')).at('data.0.attributes')).toMatchObject({
      test_account: true,
    });
  });

  it('answers one account by its id', async () => {
    const reply = await test.get('/api/accounts/AAA111/');
    expect(reply.at('data.id')).toBe('AAA111');
    expect(reply.at('data.links.self')).toBe(`${test.sandbox.url}/api/accounts/AAA111/`);
  });
});
