import type { seededKinds } from '../api/resource-registry.ts';
import type { SeededItem } from '../api/seeded-kind.ts';
import type { SandboxSettings } from '../context/settings.ts';
import type { JsonObject } from '../state/json.ts';
import type { KeyScopes, KeyStatus } from '../state/api-key.ts';
import type { UserRole } from '../state/account.ts';

/** A private key of a seeded account. */
export interface SeedKey {
  /** `pk_` and letters, digits, `_` or `-`. */
  readonly key: string;
  readonly name: string;
  /** Everything, everything that ends in `:read`, or the scopes named. */
  readonly scopes: KeyScopes;
  /** A disabled key is refused with 401. Default: active. */
  readonly status?: KeyStatus | undefined;
}

/** A metric that exists from the start. */
export interface SeedMetric {
  readonly name: string;
  /** Sent by private key (`api`, the default) or Klaviyo's own (`klaviyo`). */
  readonly integration?: 'api' | 'klaviyo' | undefined;
}

/** The resources of an account by kind, such as `lists`. */
type SeededResources = {
  readonly [Name in keyof typeof seededKinds]?:
    readonly SeededItem<(typeof seededKinds)[Name]>[] | undefined;
};

/** A Klaviyo account that exists from the start. */
export interface SeedAccount extends SeededResources {
  /** The public id: 6 letters and digits. */
  readonly id: string;
  readonly name: string;
  readonly email?: string | undefined;
  readonly testAccount?: boolean | undefined;
  readonly keys: readonly SeedKey[];
  readonly metrics?: readonly SeedMetric[] | undefined;
  /** Attributes under the names of Klaviyo's API, such as `first_name`. */
  readonly profiles?: readonly JsonObject[] | undefined;
}

/** An OAuth app as registered in Klaviyo's developer console. */
export interface SeedApp {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly name: string;
  /** Compared as exact strings. */
  readonly redirectUris: readonly string[];
  /** The most an authorization may ask for. */
  readonly scopes: readonly string[];
  /** Where the marketplace sends a person who clicks Install. */
  readonly installationUrl?: string | undefined;
  /** The account that registered the app. Default: the first account of the seed. */
  readonly ownerAccountId?: string | undefined;
  /** Shows the warning that Klaviyo shows for apps it has not reviewed. */
  readonly unverified?: boolean | undefined;
}

/** A person with a Klaviyo login: groups the accounts on the consent page. */
export interface SeedUser {
  readonly email: string;
  /** Ids of the accounts this person can choose. */
  readonly accounts: readonly string[];
  /** Owners (the default), admins and managers may install apps, others may not. */
  readonly role?: UserRole | undefined;
}

/** An app that is installed from the start. */
export interface SeedInstall {
  readonly accountId: string;
  readonly clientId: string;
  /** Default: all scopes of the app. */
  readonly scopes?: readonly string[] | undefined;
  /** Default: random. */
  readonly accessToken?: string | undefined;
  /** Default: random. */
  readonly refreshToken?: string | undefined;
}

/** What a sandbox starts with. */
export interface SandboxSeed {
  readonly accounts: readonly SeedAccount[];
  readonly apps: readonly SeedApp[];
  readonly users?: readonly SeedUser[] | undefined;
  readonly installs?: readonly SeedInstall[] | undefined;
  /** Settings that differ from their defaults; options of the start win over them. */
  readonly settings?: Partial<SandboxSettings> | undefined;
}
