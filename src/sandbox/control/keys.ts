import { KeyshiftError } from '../../errors/keyshift-error.ts';
import { keyIdOf, shortId } from '../ids.ts';
import type { SandboxContext } from '../context/sandbox-context.ts';
import type { ApiKey, KeyScopes, KeyStatus } from '../state/api-key.ts';

/** A private key as the control shows it: only {@link createKey} tells the key itself. */
export interface SandboxKey {
  readonly id: string;
  readonly accountId: string;
  readonly name: string;
  /** As Klaviyo shows it: `pk_****abcd`. */
  readonly redactedKey: string;
  readonly scopes: KeyScopes;
  readonly status: KeyStatus;
}

/** What {@link createKey} takes. */
export interface NewKey {
  readonly accountId: string;
  readonly name?: string | undefined;
  /** Default: full access. */
  readonly scopes?: KeyScopes | undefined;
}

/** The private keys of an account, or of all. */
export function listKeys({ state }: SandboxContext, accountId?: string): SandboxKey[] {
  const keys = accountId === undefined ? [...state.keys.values()] : state.keysOf(accountId);
  return keys.map(describe);
}

/**
 * Creates a private key, as a person does in Klaviyo's settings.
 *
 * @throws {@link KeyshiftError} `not_found` when there is no such account
 */
export function createKey(
  { state, random, clock }: SandboxContext,
  { accountId, name = 'Created by control', scopes = 'full' }: NewKey,
): SandboxKey & { readonly key: string } {
  if (!state.accounts.has(accountId)) {
    throw new KeyshiftError('not_found', `The sandbox has no account ${accountId}.`);
  }
  const key = `pk_${shortId(random, 34)}`;
  const created: ApiKey = {
    key,
    accountId,
    name,
    scopes,
    status: 'active',
    createdMs: clock.now(),
  };
  state.keys.set(key, created);
  return { ...describe(created), key };
}

/** Enables or disables a key, named by its id or itself; returns whether it exists. */
export function setKeyStatus({ state }: SandboxContext, idOrKey: string, to: KeyStatus): boolean {
  const key = find(state.keys, idOrKey);
  if (key) state.keys.set(key.key, { ...key, status: to });
  return key !== undefined;
}

/** Deletes a key, named by its id or itself; returns whether it existed. */
export function deleteKey({ state }: SandboxContext, idOrKey: string): boolean {
  const key = find(state.keys, idOrKey);
  return key !== undefined && state.keys.delete(key.key);
}

function find(keys: ReadonlyMap<string, ApiKey>, idOrKey: string): ApiKey | undefined {
  const key = keys.get(idOrKey);
  if (key) return key;
  for (const candidate of keys.values()) if (keyIdOf(candidate.key) === idOrKey) return candidate;
  return undefined;
}

function describe(key: ApiKey): SandboxKey {
  const { accountId, name, scopes, status } = key;
  const redactedKey = `pk_****${key.key.slice(-4)}`;
  return { id: keyIdOf(key.key), accountId, name, redactedKey, scopes, status };
}
