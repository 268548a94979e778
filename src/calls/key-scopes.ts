import { z } from 'zod';
import { isKeyshiftError } from '../errors/keyshift-error.ts';
import { parseApiError } from '../klaviyo/api-error.ts';
import { betaRevision } from '../klaviyo/operations.ts';
import type { PrivateKey } from '../klaviyo/private-key.ts';
import { findReadProbe } from '../klaviyo/read-probe.ts';
import type { HttpReply } from '../runtime/http-client.ts';
import { createAsk, type AskOptions } from './ask.ts';
import { secretSource } from './credential-source.ts';

/** What could be found out about the scopes of a private key. Each needed scope is in one list. */
export interface KeyScopes {
  /** `listed`: Klaviyo told all of them; `probed`: one cheap read for each. */
  readonly source: 'listed' | 'probed';
  readonly granted: readonly string[];
  readonly missing: readonly string[];
  /** Those that a read cannot tell, as every `:write`, or that gave no verdict. */
  readonly unknown: readonly string[];
}

/** Finds out which of the needed scopes a key has. Writes nothing at Klaviyo. */
export type ReadKeyScopes = (
  key: PrivateKey,
  needed: readonly string[],
  signal?: AbortSignal,
) => Promise<KeyScopes>;

/** What {@link createReadKeyScopes} works with. */
export interface ReadKeyScopesOptions extends AskOptions {
  readonly revision: string;
}

const limits = { deadlineMs: 10_000, attempts: 3, firstPauseMs: 1_000, longestPauseMs: 65_000 };

const keyList = z.object({
  data: z.array(
    z.object({
      attributes: z.object({ redacted_key: z.string(), scopes: z.array(z.string()) }),
    }),
  ),
});

/**
 * Creates the reader. The beta endpoint for keys is asked first, where the key may read it; else
 * each scope that allows a plain list is tried with one read.
 *
 * @example
 * ```ts
 * const { granted, missing } = await readKeyScopes(key, ['accounts:read', 'profiles:read']);
 * ```
 */
export function createReadKeyScopes(options: ReadKeyScopesOptions): ReadKeyScopes {
  const { revision } = options;
  const ask = createAsk(options);

  async function get(
    key: PrivateKey,
    path: string,
    revisionHeader: string,
    signal?: AbortSignal,
  ): Promise<HttpReply | undefined> {
    const headers = ['accept', 'application/vnd.api+json', 'revision', revisionHeader];
    try {
      return await ask(secretSource(key), { path, headers, signal, ...limits });
    } catch (error) {
      if (isKeyshiftError(error)) return undefined;
      throw error;
    }
  }

  async function list(key: PrivateKey, signal?: AbortSignal): Promise<string[] | undefined> {
    const path = `/api/api-keys?additional-fields[api-key]=redacted_key`;
    const reply = await get(key, path, betaRevision, signal);
    if (reply?.status !== 200) return undefined;
    const ending = key.reveal().slice(-4);
    const own = parseKeyList(reply.body).filter((each) => each.redacted_key.endsWith(ending));
    // Two keys that end alike cannot be told apart.
    return own.length === 1 ? own[0]?.scopes : undefined;
  }

  return async (key, needed, signal) => {
    const listed = await list(key, signal);
    if (listed) {
      return {
        source: 'listed',
        granted: needed.filter((scope) => listed.includes(scope)),
        missing: needed.filter((scope) => !listed.includes(scope)),
        unknown: [],
      };
    }
    const found: Record<'granted' | 'missing' | 'unknown', string[]> = {
      granted: [],
      missing: [],
      unknown: [],
    };
    for (const scope of needed) {
      const path = findReadProbe(scope, [scope]);
      const reply = path === undefined ? undefined : await get(key, path, revision, signal);
      found[judgeProbe(reply, scope)].push(scope);
    }
    return { source: 'probed', ...found };
  };
}

function judgeProbe(reply: HttpReply | undefined, scope: string) {
  if (!reply) return 'unknown';
  if (reply.status === 200) return 'granted';
  const error = parseApiError(reply.body);
  return reply.status === 403 && error?.missingScopes.includes(scope) ? 'missing' : 'unknown';
}

function parseKeyList(body: string) {
  try {
    const { data } = keyList.parse(JSON.parse(body));
    return data.map(({ attributes }) => attributes);
  } catch {
    return [];
  }
}
