import type { Connection } from '../model/connection.ts';
import type { RoutedCall } from '../model/route-policy.ts';
import type {
  ApiCredential,
  BareCredential,
  Credentials,
  KeyCredential,
  OAuthCredential,
  Patience,
  RoutedCredential,
} from './credentials.ts';
import type { CredentialSource, RecordedAttempt } from './driver.ts';
import type { TrafficMeter } from './traffic-meter.ts';

/** Whom a call is for: a customer's connection, or an account that consented without being one. */
export type CallTarget = { readonly connection: Connection } | { readonly accountId: string };

/** What {@link ConnectionSource} picks from and counts in. */
export interface ConnectionSourceParts {
  readonly credentials: Credentials;
  readonly meter?: TrafficMeter | undefined;
}

/**
 * The credentials of a connection, by its route. The target is read before every attempt, so that a
 * call that waited goes out by the route of then.
 */
export class ConnectionSource implements CredentialSource {
  readonly #parts: ConnectionSourceParts;
  readonly #findTarget: () => CallTarget | Promise<CallTarget>;
  #connection: Connection | undefined;

  constructor(parts: ConnectionSourceParts, findTarget: () => CallTarget | Promise<CallTarget>) {
    this.#parts = parts;
    this.#findTarget = findTarget;
  }

  async pick(call: RoutedCall, patience: Patience): Promise<RoutedCredential> {
    const { credentials } = this.#parts;
    const target = await this.#findTarget();
    if (!('connection' in target)) return credentials.forAccount(target.accountId, patience);
    this.#connection = target.connection;
    return credentials.forConnection(target.connection, call, patience);
  }

  renew({ accountId, generation }: OAuthCredential, patience: Patience): Promise<OAuthCredential> {
    return this.#parts.credentials.afterUnauthorized(accountId, generation, patience);
  }

  async fallBack(
    call: RoutedCall,
    reason: () => Promise<string>,
  ): Promise<KeyCredential | undefined> {
    const connection = this.#connection;
    return connection && this.#parts.credentials.fallBack(connection, call, reason);
  }

  record({ operation }: RoutedCall, { credential, ...attempt }: RecordedAttempt): void {
    this.#parts.meter?.record({
      connectionId: this.#connection?.id,
      route: credential.route,
      operationId: operation?.id,
      ...attempt,
    });
  }
}

/** Always the grant of the account, whatever the route of its connections. */
export function grantSource(credentials: Credentials, accountId: string): CredentialSource {
  return {
    pick: (_call, patience) => credentials.forAccount(accountId, patience),
    renew: (refused, patience) =>
      credentials.afterUnauthorized(refused.accountId, refused.generation, patience),
  };
}

/** One credential and no other. */
export function fixedSource(credential: KeyCredential | BareCredential): CredentialSource {
  return { pick: () => Promise.resolve(credential) };
}

/** A secret of which nothing else is known. */
export function secretSource(secret: ApiCredential): CredentialSource {
  const route = secret.kind === 'private_key' ? 'key' : 'oauth';
  return fixedSource({ route, quota: undefined, secret });
}
