import type { Account } from '../../state/account.ts';
import type { ApiHandler, HandlerTable } from '../api-call.ts';
import { itemReply, listReply, type ResourceKind } from '../resource-kind.ts';

/** How accounts are shown. */
export const accountKind: ResourceKind<Account & { readonly seq: number }> = {
  type: 'account',
  path: 'accounts',
  attributes: (_, account) => ({
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
  }),
};

/** `GET /api/accounts`: exactly the account of the credential, with a link to itself only. */
const getAccounts: ApiHandler = (call) =>
  listReply(call, accountKind, [{ ...call.caller.account, seq: 1 }]);

/** `GET /api/accounts/{id}`: other accounts are as unknown as those that do not exist. */
const getAccount: ApiHandler = (call) => {
  const { account } = call.caller;
  const id = call.params['id'] ?? '';
  if (id !== account.id) return call.errors.notFound('account', id);
  return itemReply(call, accountKind, { ...account, seq: 1 });
};

export const accountHandlers: HandlerTable = {
  get_accounts: getAccounts,
  get_account: getAccount,
};
