import { z } from 'zod';

/** A Klaviyo account. */
export interface Account {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly testAccount: boolean;
}

/** What a person may be in an account: the first three may install apps (documented for keys). */
export const userRoles = [
  'owner',
  'admin',
  'manager',
  'analyst',
  'content_creator',
  'support',
] as const;

export type UserRole = (typeof userRoles)[number];

/** A person with a Klaviyo login and the accounts they can choose from. */
export interface User {
  readonly email: string;
  readonly accountIds: readonly string[];
  /** Default: owner. */
  readonly role?: UserRole | undefined;
}

export const accountSchema: z.ZodType<Account> = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  testAccount: z.boolean(),
});

export const userSchema: z.ZodType<User> = z.object({
  email: z.string(),
  accountIds: z.array(z.string()),
  role: z.enum(userRoles).optional(),
});
