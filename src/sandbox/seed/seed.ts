import { z } from 'zod';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import { parsePrivateKey } from '../../klaviyo/private-key.ts';
import { isJsonObject } from '../json-object.ts';
import type { JsonObject, KeyScopes, KeyStatus } from '../state/records.ts';

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

/** A Klaviyo account that exists from the start. */
export interface SeedAccount {
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
}

/** A person with a Klaviyo login: groups the accounts on the consent page. */
export interface SeedUser {
  readonly email: string;
  /** Ids of the accounts this person can choose. */
  readonly accounts: readonly string[];
}

/** What a sandbox starts with. */
export interface SandboxSeed {
  readonly accounts: readonly SeedAccount[];
  readonly apps: readonly SeedApp[];
  readonly users?: readonly SeedUser[] | undefined;
}

const scope = z.string().regex(/^[a-z-]+:(read|write)$/, 'must be a scope such as profiles:read');
const name = z.string().min(1).max(200);

const key = z.strictObject({
  key: z.string().refine((value) => parsePrivateKey(value)?.reveal() === value, {
    error: 'must be pk_ and letters, digits, _ or -',
  }),
  name,
  scopes: z.union([z.enum(['full', 'read-only']), z.array(scope)]),
  status: z.enum(['active', 'disabled']).optional(),
});

const account = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9]{6}$/, 'must be 6 letters and digits'),
  name,
  email: z.email().optional(),
  testAccount: z.boolean().optional(),
  keys: z.array(key),
  metrics: z
    .array(z.strictObject({ name, integration: z.enum(['api', 'klaviyo']).optional() }))
    .optional(),
  profiles: z.array(z.custom<JsonObject>(isJsonObject, 'must be an object')).optional(),
});

const app = z.strictObject({
  clientId: z.string().regex(/^[\x21-\x39\x3b-\x7e]+$/, 'must be printable, without a colon'),
  clientSecret: z.string().regex(/^[\x21-\x7e]+$/, 'must be printable, without spaces'),
  name,
  redirectUris: z.array(z.url().regex(/^[^#]+$/, 'must not have a fragment')).min(1),
  scopes: z.array(scope).min(1),
});

const seed = z.strictObject({
  accounts: z.array(account),
  apps: z.array(app),
  users: z
    .array(z.strictObject({ email: z.email(), accounts: z.array(z.string()).min(1) }))
    .optional(),
});

/**
 * Checks a seed, such as one read from a file.
 *
 * @throws {@link KeyshiftError} `config_invalid`, naming the place and what was expected there,
 *   never the value: it may be a secret
 */
export function parseSeed(value: unknown): SandboxSeed {
  const parsed = seed.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw seedError(pathText(issue?.path ?? []), issue?.message ?? 'is not valid');
  }
  checkReferences(parsed.data);
  return parsed.data;
}

function checkReferences(parsed: SandboxSeed): void {
  const accountIds = new Set<string>();
  const keys = new Set<string>();
  const clientIds = new Set<string>();
  for (const [index, { id, keys: own }] of parsed.accounts.entries()) {
    claim(accountIds, id, `accounts[${index}].id`);
    for (const [keyIndex, { key: value }] of own.entries()) {
      claim(keys, value, `accounts[${index}].keys[${keyIndex}].key`);
    }
  }
  for (const [index, { clientId }] of parsed.apps.entries()) {
    claim(clientIds, clientId, `apps[${index}].clientId`);
  }
  for (const [index, { accounts }] of (parsed.users ?? []).entries()) {
    for (const [accountIndex, id] of accounts.entries()) {
      const place = `users[${index}].accounts[${accountIndex}]`;
      if (!accountIds.has(id)) throw seedError(place, 'is not the id of an account of the seed');
    }
  }
}

function claim(taken: Set<string>, value: string, place: string): void {
  if (taken.has(value)) throw seedError(place, 'is used twice');
  taken.add(value);
}

function seedError(place: string, message: string): KeyshiftError {
  return new KeyshiftError(
    'config_invalid',
    `The sandbox seed is not valid: ${place}: ${message}.`,
    {
      fix: 'Correct the place the message names in the seed.',
    },
  );
}

function pathText(path: readonly PropertyKey[]): string {
  const text = path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('');
  return text === '' ? 'the whole seed' : text.replace(/^\./, '');
}
