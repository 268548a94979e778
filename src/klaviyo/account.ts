import { z } from 'zod';

/** What Keyshift keeps of a Klaviyo account. */
export interface KlaviyoAccount {
  /** The public id, also called company id or site id: 6 letters and digits. */
  readonly accountId: string;
  readonly name: string | undefined;
  readonly testAccount: boolean;
}

const text = z.string().min(1).optional().catch(undefined);

const accountsReply = z.object({
  data: z
    .array(
      z.object({
        id: z.string().regex(/^[\w-]{1,64}$/),
        attributes: z
          .object({
            test_account: z.boolean().optional().catch(undefined),
            contact_information: z
              .object({ organization_name: text, default_sender_name: text })
              .optional()
              .catch(undefined),
          })
          .optional()
          .catch(undefined),
      }),
    )
    .length(1),
});

/**
 * Reads the body of `GET /api/accounts`, which holds exactly the one account that the credential
 * belongs to.
 *
 * @returns `undefined` when the body is anything else
 */
export function parseAccountsReply(body: string): KlaviyoAccount | undefined {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return undefined;
  }
  const parsed = accountsReply.safeParse(json);
  const account = parsed.data?.data[0];
  if (!account) return undefined;
  const contact = account.attributes?.contact_information;
  return {
    accountId: account.id,
    name: contact?.organization_name ?? contact?.default_sender_name,
    testAccount: account.attributes?.test_account ?? false,
  };
}

/** An account id as shown to people who may not be its owners: `Ab••••`. */
export function maskAccountId(accountId: string): string {
  return accountId.slice(0, 2) + '•'.repeat(Math.max(0, accountId.length - 2));
}
