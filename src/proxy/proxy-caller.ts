import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import { parsePrivateKey } from '../klaviyo/private-key.ts';
import type { Secret } from '../runtime/secret.ts';
import type { Connection } from '../model/connection.ts';
import { preferOAuth } from '../model/route-policy.ts';
import type { Store } from '../store/store.ts';

/** Which credential a call is to be sent with: a connection's, or an account's grant. */
export type ProxyTarget =
  | {
      readonly kind: 'connection';
      readonly connection: Connection;
      /** Whether the caller presented the connection's private key. */
      readonly byKey: boolean;
    }
  | { readonly kind: 'account'; readonly accountId: string };

/** A name and the token that proves it. */
export interface NamedToken {
  readonly name: string;
  readonly token: Secret<'service_token'>;
}

/** The service token of an `Authorization: Bearer` header, compared in constant time. */
export function findServiceToken(
  authorization: string | undefined,
  serviceTokens: readonly NamedToken[],
): NamedToken | undefined {
  const presented = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  if (presented === undefined) return undefined;
  return serviceTokens.find(({ token }) => token.equals(presented));
}

/**
 * Tells from the headers of a call whom it is for: a private key names its connection, also when
 * the sealed key is long destroyed; a service token needs `Keyshift-Account` or `Keyshift-Customer`.
 *
 * @throws KeyshiftError `unauthenticated`, `request_invalid`, `connection_not_found`
 */
export async function identifyTarget(
  headers: IncomingHttpHeaders,
  store: Store,
  serviceTokens: readonly NamedToken[],
): Promise<ProxyTarget> {
  const { authorization } = headers;
  const keyText = /^Klaviyo-API-Key +(\S+)$/i.exec(authorization ?? '')?.[1];
  if (keyText !== undefined) return targetOfKey(keyText, store);
  if (!findServiceToken(authorization, serviceTokens)) {
    throw new KeyshiftError('unauthenticated', 'Missing or unknown credentials.');
  }
  const customerId = readCustomerId(headers['keyshift-customer']);
  const accountId = headers['keyshift-account'];
  if (customerId !== undefined) {
    const connection = await store.connections.findByCustomer(customerId);
    if (connection) return { kind: 'connection', connection, byKey: false };
    throw new KeyshiftError('connection_not_found', 'Keyshift-Customer names no connection.');
  }
  if (typeof accountId === 'string') {
    const connection = preferOAuth(await store.connections.listByAccount(accountId));
    return connection
      ? { kind: 'connection', connection, byKey: false }
      : { kind: 'account', accountId };
  }
  throw new KeyshiftError(
    'request_invalid',
    'A call with a service token needs the header Keyshift-Account or Keyshift-Customer.',
  );
}

/**
 * A customer's id as it was meant. Node gives each byte of a header as a character: curl, PHP, Ruby
 * and Go send UTF-8, others latin1, and who can send neither encodes by percent.
 */
function readCustomerId(header: string | string[] | undefined): string | undefined {
  if (typeof header !== 'string') return undefined;
  const text = utf8Of(Buffer.from(header, 'latin1')) ?? header;
  if (!text.includes('%')) return text;
  return text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (encoded) => {
    const bytes = Buffer.from(encoded.replaceAll('%', ''), 'hex');
    return utf8Of(bytes) ?? encoded;
  });
}

/** Nothing where the bytes are not UTF-8. */
function utf8Of(bytes: Buffer): string | undefined {
  return isUtf8(bytes) ? bytes.toString() : undefined;
}

/**
 * A key names the customers of its own account. One whose only holders were given another account
 * by an operator still names them, as long as that is the same account for all.
 */
async function targetOfKey(keyText: string, store: Store): Promise<ProxyTarget> {
  const key = parsePrivateKey(keyText);
  const holders: Connection[] = [];
  const owners: Connection[] = [];
  for (const { connectionId, accountId } of key ? await store.privateKeys.findHolders(key) : []) {
    const connection = await store.connections.findById(connectionId);
    if (!connection) continue;
    holders.push(connection);
    if (connection.accountId === accountId) owners.push(connection);
  }
  const named = owners.length > 0 ? owners : holders;
  if (new Set(named.map(({ accountId }) => accountId)).size > 1 && owners.length === 0) {
    throw new KeyshiftError('stage_conflict', 'Customers of several accounts hold this key.', {
      fix: 'Call with a service token and Keyshift-Customer, or import the key of each account.',
    });
  }
  const connection = preferOAuth(named);
  if (connection) return { kind: 'connection', connection, byKey: true };
  throw new KeyshiftError('unauthenticated', 'Missing or unknown private key.');
}
