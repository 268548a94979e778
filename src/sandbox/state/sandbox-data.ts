import { z } from 'zod';
import { accountSchema, userSchema, type Account, type User } from './account.ts';
import { apiKeySchema, type ApiKey } from './api-key.ts';
import { appSchema, type App } from './app.ts';
import { eventSchema, type StoredEvent } from './event.ts';
import {
  authorizationCodeSchema,
  installSchema,
  type AuthorizationCode,
  type Install,
} from './install.ts';
import { membershipSchema, type Membership } from './memberships.ts';
import { metricSchema, type Metric } from './metric.ts';
import { profileSchema, type Profile } from './profile.ts';
import { storedResourceSchema, type StoredResource } from './stored-resource.ts';

/** Everything the sandbox knows, as plain data: what a seed makes and a state file holds. */
export interface SandboxData {
  readonly accounts: readonly Account[];
  readonly keys: readonly ApiKey[];
  readonly apps: readonly App[];
  readonly users: readonly User[];
  readonly installs: readonly Install[];
  readonly codes: readonly AuthorizationCode[];
  readonly resources: readonly (AccountResourcesData & { readonly accountId: string })[];
}

/** The resources of one account as plain data. */
export interface AccountResourcesData {
  readonly profiles: readonly Profile[];
  readonly metrics: readonly Metric[];
  readonly events: readonly StoredEvent[];
  /** Resources of other kinds by their type. */
  readonly others?: Readonly<Record<string, readonly StoredResource[]>> | undefined;
  readonly memberships?: readonly Membership[] | undefined;
}

/** Checks the data of a state file or a snapshot, which people may edit. */
export const sandboxDataSchema: z.ZodType<SandboxData> = z.object({
  accounts: z.array(accountSchema),
  keys: z.array(apiKeySchema),
  apps: z.array(appSchema),
  users: z.array(userSchema),
  installs: z.array(installSchema),
  codes: z.array(authorizationCodeSchema),
  resources: z.array(
    z.object({
      accountId: z.string(),
      profiles: z.array(profileSchema),
      metrics: z.array(metricSchema),
      events: z.array(eventSchema),
      others: z.record(z.string(), z.array(storedResourceSchema)).optional(),
      memberships: z.array(membershipSchema).optional(),
    }),
  ),
});
