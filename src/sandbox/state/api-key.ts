import { z } from 'zod';

/** What a private key may do: everything, everything that ends in `:read`, or the scopes named. */
export type KeyScopes = 'full' | 'read-only' | readonly string[];

export type KeyStatus = 'active' | 'disabled';

/** A private API key of an account. */
export interface ApiKey {
  readonly key: string;
  readonly accountId: string;
  readonly name: string;
  readonly scopes: KeyScopes;
  readonly status: KeyStatus;
  readonly createdMs?: number | undefined;
}

export const apiKeySchema: z.ZodType<ApiKey> = z.object({
  key: z.string(),
  accountId: z.string(),
  name: z.string(),
  scopes: z.union([z.enum(['full', 'read-only']), z.array(z.string())]),
  status: z.enum(['active', 'disabled']),
  createdMs: z.number().optional(),
});
