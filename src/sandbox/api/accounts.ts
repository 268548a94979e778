import type { Account } from '../state/records.ts';
import type { ApiCall, ApiHandler } from './api-call.ts';
import { dataReply, selfLink, type Resource } from './json-api.ts';
import { refuseQuery } from './query.ts';

/** `GET /api/accounts`: exactly the account of the credential. */
export const getAccounts: ApiHandler = (call) => {
  const refusal = refuseQuery(call);
  if (refusal) return refusal;
  const self = `${call.context.origin}/api/accounts/`;
  return dataReply(200, [accountResource(call, call.caller.account)], { self });
};

/** `GET /api/accounts/{id}`: other accounts are as unknown as those that do not exist. */
export const getAccount: ApiHandler = (call) => {
  const { account } = call.caller;
  const id = call.params['id'] ?? '';
  if (id !== account.id) return call.errors.notFound('account', id);
  return refuseQuery(call) ?? dataReply(200, accountResource(call, account));
};

function accountResource(call: ApiCall, account: Account): Resource {
  return {
    type: 'account',
    id: account.id,
    attributes: {
      test_account: account.testAccount,
      contact_information: {
        default_sender_name: account.name,
        default_sender_email: account.email,
        website_url: `https://${account.email.split('@')[1] ?? ''}`,
        organization_name: account.name,
        street_address: {
          address1: '1 Sample Street',
          address2: null,
          city: 'Boston',
          region: 'MA',
          country: 'US',
          zip: '02110',
        },
      },
      industry: 'Ecommerce',
      timezone: 'US/Eastern',
      preferred_currency: 'USD',
      public_api_key: account.id,
      locale: 'en-US',
    },
    links: { self: selfLink(call, 'accounts', account.id) },
  };
}
