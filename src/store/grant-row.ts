import { LRUCache } from 'lru-cache';
import { Secret } from '../runtime/secret.ts';
import type { BlindIndex } from '../vault/blind-index.ts';
import { whenDueMs, type Grant, type RefreshFailure, type TokenPair } from '../model/grant.ts';
import type { GrantRow } from './schema.ts';
import type { Sealed } from './sealed.ts';
import type { Sealer } from './sealer.ts';

/** The columns of a grant that a new pair replaces, all of them together. */
export const pairColumns = [
  'access_token',
  'refresh_token',
  'refresh_index',
  'previous_refresh_token',
  'previous_refresh_index',
  'scope',
  'expires_at',
  'obtained_at',
  'due_at',
] as const satisfies readonly (keyof GrantRow)[];

export type PairColumns = Pick<GrantRow, (typeof pairColumns)[number]>;

/** The fields of a grant that a new pair replaces. */
export type PairFields = Omit<
  Grant,
  'id' | 'clientId' | 'accountId' | 'state' | 'consentedAtMs' | 'generation' | 'failure'
>;

/** Translates grants between their rows, where tokens are sealed, and records. */
export interface GrantMapper {
  toGrant(row: GrantRow): Grant;
  /** Seals a pair for the row `id`. */
  toColumns(id: string, pair: PairFields): PairColumns;
  /** Seals a refresh token that is kept beside the pair. */
  toKeptColumns(
    id: string,
    refreshToken: Secret<'refresh_token'>,
  ): { readonly sealed: Sealed; readonly index: string };
  /** The blind index of a refresh token. */
  indexOf(refreshToken: Secret<'refresh_token'>): string;
}

/** Creates the mapper over the sealed columns of `grants`. */
export function createGrantMapper(sealer: Sealer, blindIndex: BlindIndex): GrantMapper {
  const indexOf = (refreshToken: Secret<'refresh_token'>) =>
    blindIndex.index(refreshToken.reveal(), 'refresh_token');
  const openTokens = createTokenOpener(sealer);
  return {
    indexOf,
    toGrant: (row) => openGrant(row, openTokens(row)),
    toColumns(id, pair) {
      const previous = pair.previousRefreshToken;
      return {
        access_token: sealer.seal('accessToken', id, pair.accessToken.reveal()),
        refresh_token: sealer.seal('refreshToken', id, pair.refreshToken.reveal()),
        refresh_index: indexOf(pair.refreshToken),
        previous_refresh_token: previous
          ? sealer.seal('previousRefreshToken', id, previous.reveal())
          : null,
        previous_refresh_index: previous ? indexOf(previous) : null,
        scope: pair.scope,
        expires_at: pair.expiresAtMs ?? null,
        obtained_at: pair.obtainedAtMs,
        due_at: whenDueMs(pair),
      };
    },
    toKeptColumns: (id, refreshToken) => ({
      sealed: sealer.seal('previousRefreshToken', id, refreshToken.reveal()),
      index: indexOf(refreshToken),
    }),
  };
}

/** The fields of a pair that replaces the one of `former`. */
export function replacePair(pair: TokenPair, former?: Grant): PairFields {
  // Klaviyo may answer the same refresh token again: then the one before it stays the previous one.
  const isSame = former?.refreshToken.equals(pair.refreshToken) === true;
  return {
    accessToken: pair.accessToken,
    refreshToken: pair.refreshToken,
    previousRefreshToken: isSame ? former.previousRefreshToken : former?.refreshToken,
    scope: pair.scope,
    expiresAtMs: pair.expiresAtMs,
    obtainedAtMs: pair.obtainedAtMs,
  };
}

type Tokens = Pick<Grant, 'accessToken' | 'refreshToken' | 'previousRefreshToken'>;
type SealedTokens = Pick<GrantRow, 'access_token' | 'refresh_token' | 'previous_refresh_token'>;

/** Grants whose tokens are remembered: those that are being refreshed at one time. */
const rememberedGrants = 256;

/** Opens the tokens of a row, once for all reads of one refresh: it reads its grant three times. */
function createTokenOpener(sealer: Sealer): (row: GrantRow) => Tokens {
  const remembered = new LRUCache<
    string,
    { readonly sealed: SealedTokens; readonly tokens: Tokens }
  >({ max: rememberedGrants });

  return (row) => {
    const { id, previous_refresh_token: previous } = row;
    const known = remembered.get(id);
    if (known && areSame(known.sealed, row)) return known.tokens;
    const tokens = {
      accessToken: new Secret('access_token', sealer.open('accessToken', id, row.access_token)),
      refreshToken: new Secret('refresh_token', sealer.open('refreshToken', id, row.refresh_token)),
      previousRefreshToken:
        previous === null
          ? undefined
          : new Secret('refresh_token', sealer.open('previousRefreshToken', id, previous)),
    };
    remembered.set(id, { sealed: row, tokens });
    return tokens;
  };
}

/** Of one row: what is sealed for another column or row never compares equal. */
function areSame(one: SealedTokens, other: SealedTokens): boolean {
  return (
    one.access_token === other.access_token &&
    one.refresh_token === other.refresh_token &&
    one.previous_refresh_token === other.previous_refresh_token
  );
}

function openGrant(row: GrantRow, tokens: Tokens): Grant {
  return {
    id: row.id,
    clientId: row.client_id,
    accountId: row.account_id,
    state: row.state,
    ...tokens,
    scope: row.scope,
    expiresAtMs: row.expires_at ?? undefined,
    obtainedAtMs: row.obtained_at,
    consentedAtMs: row.consented_at,
    generation: row.generation,
    failure: toFailure(row),
  };
}

/** The failure that a row tells of, if any. */
export function toFailure(
  row: Pick<
    GrantRow,
    'failed_at' | 'failure_code' | 'failure_message' | 'failure_count' | 'retry_at'
  >,
): RefreshFailure | undefined {
  if (row.failed_at === null || row.failure_code === null) return undefined;
  return {
    code: row.failure_code,
    message: row.failure_message ?? '',
    atMs: row.failed_at,
    retryAtMs: row.retry_at ?? row.failed_at,
    count: row.failure_count ?? 1,
  };
}
