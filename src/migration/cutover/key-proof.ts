import { z } from 'zod';
import type { LookUpAccount } from '../../calls/account-lookup.ts';
import type { ApiCaller } from '../../calls/api-caller.ts';
import { grantSource } from '../../calls/credential-source.ts';
import type { Credentials } from '../../calls/credentials.ts';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import { betaRevision } from '../../klaviyo/operations.ts';
import type { PrivateKey } from '../../klaviyo/private-key.ts';

/** What is known of a key at Klaviyo. */
export interface KeyState {
  readonly dead: boolean;
  readonly proof: 'refused' | 'disabled' | undefined;
  /** In words. Never the key. */
  readonly detail: string;
}

/** Asks Klaviyo about a private key, and ends it where that is allowed. */
export interface KeyProofs {
  /** Tries the key at `/api/accounts`. Klaviyo's 401 proves that it is deleted or disabled. */
  probe(key: PrivateKey, signal?: AbortSignal): Promise<KeyState>;
  /**
   * Disables the key through the beta endpoint, by the account's grant, and reads that it is so.
   *
   * @throws KeyshiftError `scope_missing` without `credentials:read` and `credentials:write`,
   * `key_not_found` when Klaviyo lists no such key, or several that look alike, `klaviyo_refused`,
   * `upstream_*`
   */
  disable(key: PrivateKey, accountId: string, signal?: AbortSignal): Promise<KeyState>;
}

/** What {@link createKeyProofs} works with. */
export interface KeyProofsOptions {
  readonly lookUpAccount: LookUpAccount;
  readonly callApi: ApiCaller;
  readonly credentials: Credentials;
  /** Granted scopes of an account, space separated. */
  readonly grantedScope: (accountId: string) => Promise<string>;
}

const apiKey = z.object({
  id: z.string(),
  attributes: z.object({
    status: z.string(),
    redacted_key: z.string().nullish(),
  }),
});
const keyList = z.object({
  data: z.array(apiKey),
  links: z.object({ next: z.string().nullish() }).optional(),
});
const oneKey = z.object({ data: apiKey });

/** Pages of keys that are read at most; no account has so many. */
const maxPages = 50;

/** Creates the proofs. */
export function createKeyProofs(options: KeyProofsOptions): KeyProofs {
  const { lookUpAccount, callApi, credentials, grantedScope } = options;

  return {
    async probe(key, signal) {
      const { kind } = await lookUpAccount(key, signal);
      if (kind === 'rejected') {
        return { dead: true, proof: 'refused', detail: 'Klaviyo rejects the key' };
      }
      return { dead: false, proof: undefined, detail: 'the key still works in Klaviyo' };
    },

    async disable(key, accountId, signal) {
      await requireScopes(accountId);
      const call = createCall(accountId, signal);
      const found = await findKey(call, key);
      const path = `/api/api-keys/${encodeURIComponent(found.id)}`;
      if (found.attributes.status !== 'disabled') {
        const data = { type: 'api-key', id: found.id, attributes: { status: 'disabled' } };
        await call(path, { method: 'PATCH', body: JSON.stringify({ data }), idempotent: true });
      }
      const { data } = oneKey.parse(await call(path));
      if (data.attributes.status === 'disabled') {
        return { dead: true, proof: 'disabled', detail: 'Klaviyo says the key is disabled' };
      }
      const detail = `Klaviyo says the key is ${data.attributes.status} after it was disabled`;
      return { dead: false, proof: undefined, detail };
    },
  };

  function createCall(accountId: string, signal: AbortSignal | undefined) {
    const source = grantSource(credentials, accountId);
    return async (path: string, init: Parameters<ApiCaller>[2] = {}): Promise<unknown> => {
      const headers = { revision: betaRevision };
      const response = await callApi(source, path, { ...init, headers, ...(signal && { signal }) });
      return (await response.orThrow()).json();
    };
  }

  async function requireScopes(accountId: string): Promise<void> {
    const held = (await grantedScope(accountId)).split(' ');
    const missing = ['credentials:read', 'credentials:write'].filter(
      (each) => !held.includes(each),
    );
    if (missing.length === 0) return;
    throw new KeyshiftError(
      'scope_missing',
      `The consent does not include ${missing.join(', ')}.`,
      {
        fix: 'Leave out --disable-key and let the customer delete the key: `keyshift retire --instructions`.',
      },
    );
  }

  async function findKey(call: ReturnType<typeof createCall>, key: PrivateKey) {
    const candidates: z.infer<typeof apiKey>[] = [];
    let path: string | undefined = '/api/api-keys?additional-fields[api-key]=redacted_key';
    for (let pages = 0; path !== undefined && pages < maxPages; pages += 1) {
      const page: z.infer<typeof keyList> = keyList.parse(await call(path));
      candidates.push(...page.data.filter((each) => looksLike(each.attributes.redacted_key, key)));
      path = page.links?.next ?? undefined;
    }
    const [found, ...others] = candidates;
    if (found && others.length === 0) return found;
    throw new KeyshiftError(
      'key_not_found',
      found
        ? `Klaviyo lists ${candidates.length} keys that look like the stored one; it is unclear which one to disable.`
        : 'Klaviyo lists no key that looks like the stored one.',
      { fix: 'Let the customer delete the key: `keyshift retire --instructions`.' },
    );
  }
}

/** Klaviyo shows `pk_****abcd`: the last four characters are all there is to go by. */
function looksLike(redacted: string | null | undefined, key: PrivateKey): boolean {
  return redacted?.slice(-4) === key.reveal().slice(-4);
}

/** A key as Klaviyo shows it to its owner: `pk_****abcd`. */
export function redactKey(key: PrivateKey): string {
  return `pk_****${key.reveal().slice(-4)}`;
}
