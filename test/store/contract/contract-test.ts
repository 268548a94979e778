import assert from 'node:assert/strict';
import { isKeyshiftError, type KeyshiftError } from '../../../src/errors/keyshift-error.ts';
import type { ErrorCode } from '../../../src/errors/error-table.ts';
import { Secret } from '../../../src/runtime/secret.ts';
import type { AuthorizationRecord } from '../../../src/model/authorization.ts';
import {
  parseConnection,
  type ConnectionColumns,
  type NewConnection,
} from '../../../src/model/connection.ts';
import type { Invitation } from '../../../src/model/invitation.ts';
import type { TokenPair } from '../../../src/model/grant.ts';
import type { Store } from '../../../src/store/store.ts';

/** One case: gets a store over an empty database, and a way to open more over the same one. */
export type ContractTest = (store: Store, openAnother: () => Promise<Store>) => Promise<void>;

/** The time that samples begin at. */
export const t0 = 1_800_000_000_000;

/** Asserts that the promise rejects with a `KeyshiftError` of that code, and answers it. */
export async function rejectsWith(
  promise: Promise<unknown>,
  code: ErrorCode,
): Promise<KeyshiftError> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(isKeyshiftError(outcome, code), `expected ${code}, got ${String(outcome)}`);
  return outcome;
}

/** The stores in turn. */
export function oneOf(stores: readonly Store[], i: number): Store {
  const store = stores[i % stores.length];
  assert.ok(store);
  return store;
}

/** A connection of `customerId` with the id `connection-<customerId>`. */
export function sampleConnection(
  customerId: string,
  fields: Partial<ConnectionColumns> = {},
): NewConnection {
  const columns = { ...sampleColumns(customerId), key: 'held' as const, ...fields };
  const { key: _key, version: _version, ...connection } = parseConnection(columns);
  return connection as NewConnection;
}

/** The columns of such a connection, which has no key. */
export function sampleColumns(customerId: string): ConnectionColumns {
  return {
    id: `connection-${customerId}`,
    customerId,
    accountId: undefined,
    accountName: undefined,
    email: undefined,
    name: undefined,
    stage: 'imported',
    attentionReason: undefined,
    attentionFrom: undefined,
    route: 'key',
    liveSinceMs: undefined,
    canaryPercent: undefined,
    shadowPercent: undefined,
    watchedSinceMs: undefined,
    key: 'none',
    createdAtMs: t0,
    updatedAtMs: t0,
    version: 1,
  };
}

/** A pair whose tokens are made of `name`. */
export function samplePair(name: string, fields: Partial<TokenPair> = {}): TokenPair {
  return {
    accessToken: new Secret('access_token', `access-token-${name}`),
    refreshToken: new Secret('refresh_token', `refresh-token-${name}`),
    scope: 'accounts:read profiles:read',
    expiresAtMs: t0 + 3_600_000,
    obtainedAtMs: t0,
    ...fields,
  };
}

/** An attempt that came back, whose state hash is `stateHash`. */
export function sampleAuthorization(
  stateHash: string,
  fields: Partial<AuthorizationRecord> = {},
): AuthorizationRecord {
  return {
    stateHash,
    invitationId: undefined,
    customerId: undefined,
    createdAtMs: t0,
    expiresAtMs: t0 + 600_000,
    consumedAtMs: t0,
    result: undefined,
    ...fields,
  };
}

/** An invitation of the connection, open. */
export function sampleInvitation(
  id: string,
  connectionId: string,
  fields: Partial<Invitation> = {},
): Invitation {
  return {
    id,
    connectionId,
    tokenHash: `token-hash-of-${id}`,
    wave: undefined,
    createdAtMs: t0,
    expiresAtMs: t0 + 30 * 86_400_000,
    openedAtMs: undefined,
    consumedAtMs: undefined,
    revokedAtMs: undefined,
    ...fields,
  };
}

/**
 * Marks a grant lost as a refresh of that generation does it, under a lease that ignores any
 * other's. Returns whether it was.
 */
export async function loseGrant(store: Store, id: string, generation = 1): Promise<boolean> {
  const owner = 'loser';
  const farOff = Number.MAX_SAFE_INTEGER;
  const request = { generation, owner, nowMs: farOff, expiresAtMs: farOff };
  const held = await store.grants.acquireLease(id, request);
  return held !== undefined && store.grants.markLost(held, owner);
}

/** Secrets compare by their values, which `assert.deepEqual` cannot see. */
export function reveal(secret: Secret | undefined): string | undefined {
  return secret?.reveal();
}
