import { z } from 'zod';
import { seededKinds } from '../api/resource-registry.ts';
import { seedName as name, type SeededKind } from '../api/seeded-kind.ts';
import { isJsonObject } from '../state/json.ts';
import { settingsPatchSchema } from '../context/settings.ts';
import { userRoles } from '../state/account.ts';
import type { SeedAccount } from './seed.ts';

const scope = z.string().regex(/^[a-z-]+:(read|write)$/, 'must be a scope such as profiles:read');
const accountId = z.string().regex(/^[A-Za-z0-9]{6}$/, 'must be 6 letters and digits');
const token = z.string().regex(/^[\x21-\x7e]{16,4096}$/, 'must be 16 to 4096 printable characters');

const key = z.strictObject({
  key: z
    .string()
    .regex(/^pk_[A-Za-z0-9_-]{1,256}$/, 'must be pk_ and letters, digits, _ or -')
    .describe('The private key itself.'),
  name,
  scopes: z
    .union([z.enum(['full', 'read-only']), z.array(scope)], {
      error: 'must be full, read-only or a list of scopes',
    })
    .describe('Everything, everything that ends in :read, or the scopes named.'),
  status: z.enum(['active', 'disabled']).optional().describe('Default: active.'),
});

const kinds: [string, SeededKind][] = Object.entries(seededKinds);

/** A list for each kind of resource; `Object.fromEntries` forgets the names. */
const resources = Object.fromEntries(
  kinds.map(([kind, { schema }]) => [kind, z.array(schema).optional()]),
) as unknown as {
  [Kind in keyof typeof seededKinds]: z.ZodOptional<z.ZodType<NonNullable<SeedAccount[Kind]>>>;
};

const account = z.strictObject({
  id: accountId.describe('The public id.'),
  name,
  email: z.email().optional(),
  testAccount: z.boolean().optional(),
  keys: z.array(key),
  metrics: z
    .array(
      z.strictObject({
        name,
        integration: z
          .enum(['api', 'klaviyo'])
          .optional()
          .describe('Sent by private key (api, the default) or one of Klaviyo’s own.'),
      }),
    )
    .optional(),
  profiles: z
    .array(z.record(z.string(), z.unknown()).refine(isJsonObject, 'must be an object'))
    .optional()
    .describe('Attributes under the names of Klaviyo’s API, such as first_name.'),
  ...resources,
});

const app = z.strictObject({
  clientId: z.string().regex(/^[\x21-\x39\x3b-\x7e]+$/, 'must be printable, without a colon'),
  clientSecret: z.string().regex(/^[\x21-\x7e]+$/, 'must be printable, without spaces'),
  name,
  redirectUris: z
    .array(z.url().regex(/^[^#]+$/, 'must not have a fragment'))
    .min(1)
    .describe('Compared as exact strings.'),
  scopes: z.array(scope).min(1).describe('The most an authorization may ask for.'),
  installationUrl: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Where the marketplace sends a person who clicks Install.'),
  ownerAccountId: accountId
    .optional()
    .describe('The account that registered the app. Default: the first of the seed.'),
  unverified: z
    .boolean()
    .optional()
    .describe('Shows the warning for apps that Klaviyo has not reviewed.'),
});

const user = z.strictObject({
  email: z.email(),
  accounts: z.array(z.string()).min(1).describe('Ids of the accounts this person can choose.'),
  role: z
    .enum(userRoles)
    .optional()
    .describe('Owners (the default), admins and managers may install apps, others may not.'),
});

const install = z.strictObject({
  accountId,
  clientId: z.string().describe('Client id of an app of the seed.'),
  scopes: z.array(scope).min(1).optional().describe('Default: all scopes of the app.'),
  accessToken: token.optional().describe('Default: random.'),
  refreshToken: token.optional().describe('Default: random.'),
});

/** A seed file. docs/sandbox-seed.schema.json is made from it. */
export const seedSchema = z
  .strictObject({
    $schema: z.string().optional(),
    accounts: z.array(account).optional(),
    apps: z.array(app).optional(),
    users: z.array(user).optional().describe('Group the accounts on the consent page.'),
    installs: z.array(install).optional().describe('Apps that are installed from the start.'),
    sample: z
      .strictObject({
        accounts: z.number().int().min(1).max(1_000_000),
        randomSeed: z
          .number()
          .int()
          .optional()
          .describe('A different number makes different accounts.'),
      })
      .optional()
      .describe('Adds sample shops, each with a key, and an app if none is given.'),
    settings: settingsPatchSchema.optional(),
  })
  .describe(
    'What a Keyshift sandbox starts with: accounts, keys, apps. At least accounts or sample.',
  );

export type SeedFile = z.output<typeof seedSchema>;
