/** Anything that survives `JSON.stringify` and `JSON.parse` unchanged. */
export type JsonValue =
  string | number | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue };

export type JsonObject = { readonly [name: string]: JsonValue };

/** What a private key may do: everything, everything that ends in `:read`, or the scopes named. */
export type KeyScopes = 'full' | 'read-only' | readonly string[];

export type KeyStatus = 'active' | 'disabled';

/** A Klaviyo account. */
export interface Account {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly testAccount: boolean;
}

/** A private API key of an account. */
export interface ApiKey {
  readonly key: string;
  readonly accountId: string;
  readonly name: string;
  readonly scopes: KeyScopes;
  readonly status: KeyStatus;
  readonly createdMs?: number | undefined;
}

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
  /** Secrets that were replaced and are still accepted until they die. */
  readonly previousSecrets?: readonly ReplacedSecret[] | undefined;
}

/** A client secret that was regenerated, with a time of grace. */
export interface ReplacedSecret {
  readonly secret: string;
  readonly diesAtMs: number;
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

export interface AccessToken {
  readonly token: string;
  readonly scopes: readonly string[];
  readonly expiresAtMs: number;
}

/**
 * A refresh token. `live` works; `grace` was rotated and works once more; `replaced` was rotated
 * and is kept only so that its reuse is noticed.
 */
export interface RefreshToken {
  readonly token: string;
  /** Tokens that descend from one consent share a family. */
  readonly familyId: string;
  readonly status: 'live' | 'grace' | 'replaced';
  readonly lastUsedMs: number;
}

/** One app installed in one account. */
export interface Install {
  readonly clientId: string;
  readonly accountId: string;
  readonly installedAtMs: number;
  readonly scopes: readonly string[];
  readonly accessTokens: readonly AccessToken[];
  readonly refreshTokens: readonly RefreshToken[];
}

/** A code that waits to be exchanged. */
export interface AuthorizationCode {
  readonly code: string;
  readonly clientId: string;
  readonly accountId: string;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  readonly codeChallenge: string;
  readonly expiresAtMs: number;
}

/** What every resource in a collection has: an id, and a number that grows with each addition. */
export interface Stored {
  readonly id: string;
  readonly seq: number;
}

export interface Profile extends Stored {
  /** Attributes under Klaviyo's names; absent ones are null to the outside. */
  readonly attributes: JsonObject;
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly lastEventMs: number | null;
  /** Consent by channel under Klaviyo's names; channels left out were never subscribed. */
  readonly subscriptions?: JsonObject | undefined;
}

/** Where a metric's events come from, as Klaviyo shows it. */
export interface Integration {
  readonly object: 'integration' | 'application';
  readonly id: string;
  readonly key: string;
  readonly name: string;
  /** A string for Klaviyo's own integrations, an object for OAuth apps (recorded live). */
  readonly category: string | { readonly id: number; readonly category: string };
}

export interface Metric extends Stored {
  readonly name: string;
  readonly integration: Integration;
  readonly createdMs: number;
  readonly updatedMs: number;
  /** When a private key last sent an event of this metric. */
  readonly lastKeyEventMs?: number | undefined;
}

export interface StoredEvent extends Stored {
  readonly uuid: string;
  readonly profileId: string;
  readonly metricId: string;
  readonly uniqueId: string;
  readonly timeMs: number;
  readonly properties: JsonObject;
}

/** A resource of any other kind: its attributes stand under Klaviyo's names. */
export interface StoredResource extends Stored {
  readonly attributes: JsonObject;
  readonly createdMs: number;
  readonly updatedMs: number;
  /** Ids of related resources by the name of the relationship. */
  readonly related?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** That a profile is in a list or a segment. */
export interface Membership {
  /** Id of the list or the segment. */
  readonly groupId: string;
  readonly profileId: string;
  readonly joinedMs: number;
}
