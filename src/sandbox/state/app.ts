import { z } from 'zod';

/** An OAuth app as registered in Klaviyo's developer console. */
export interface App {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly name: string;
  /** Redirect URIs, compared as exact strings. */
  readonly redirectUris: readonly string[];
  /** The scopes saved in the app's settings: the most an authorization may ask for. */
  readonly scopes: readonly string[];
  /** Where Klaviyo's marketplace sends a person who clicks Install. */
  readonly installationUrl?: string | undefined;
  /** Unlisted: the consent page warns of it. */
  readonly unverified?: boolean | undefined;
  /** The account that registered the app: its keys see every install. */
  readonly ownerAccountId?: string | undefined;
  /** Secrets that were replaced and are still accepted until they die. */
  readonly previousSecrets?: readonly ReplacedSecret[] | undefined;
}

/** A client secret that was regenerated, with a grace period. */
export interface ReplacedSecret {
  readonly secret: string;
  readonly diesAtMs: number;
}

export const appSchema: z.ZodType<App> = z.object({
  clientId: z.string(),
  clientSecret: z.string(),
  name: z.string(),
  redirectUris: z.array(z.string()),
  scopes: z.array(z.string()),
  installationUrl: z.string().optional(),
  unverified: z.boolean().optional(),
  ownerAccountId: z.string().optional(),
  previousSecrets: z.array(z.object({ secret: z.string(), diesAtMs: z.number() })).optional(),
});
