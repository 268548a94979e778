import { createHash } from 'node:crypto';
import type { Operation } from '../klaviyo/operations.ts';
import type { Random } from '../runtime/random.ts';
import type { Connection } from './connection.ts';

/** One of the two credentials. */
export type SentRoute = 'key' | 'oauth';

/** An operation with a route of its own, whatever the connection's. */
export interface RouteException {
  /** `undefined` means every connection; one of a connection's own comes first. */
  readonly connectionId: string | undefined;
  /** Klaviyo's operation id. */
  readonly operation: string;
  readonly route: 'key' | 'oauth';
  readonly createdAtMs: number;
  readonly actor: string;
}

/** What of a call its route may depend on. */
export interface RoutedCall {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Held bodies only; a stream cannot be looked into. */
  readonly body?: unknown;
  /** Absent where the operations table does not know the path. */
  readonly operation: Operation | undefined;
}

/** What operators decided, as every process reads it. */
export interface RoutePolicies {
  /** Overrides every connection's route. */
  readonly routeSwitch: SentRoute | undefined;
  /** Whether calls may fall back to the key. */
  readonly fallBack: boolean;
  readonly exceptions: readonly RouteException[];
}

/** The route that a call is to take, and whether the connection itself says so. */
export interface RouteChoice {
  readonly route: SentRoute;
  /** False where a switch, an exception or a canary share chose: then the other credential will do. */
  readonly own: boolean;
}

/**
 * Chooses the route of a call: the switch for all comes first, then an exception for the
 * operation, then the connection's own route. An exception never sends events of a live
 * connection by key: Klaviyo would keep two metrics of one name.
 */
export function chooseRoute(
  connection: Connection,
  call: RoutedCall,
  { routeSwitch, exceptions }: RoutePolicies,
  random: Pick<Random, 'fraction'>,
): RouteChoice {
  const own = connection.route === 'oauth' ? 'oauth' : 'key';
  if (routeSwitch !== undefined) return { route: routeSwitch, own: routeSwitch === own };
  const exception = exceptions.length > 0 ? findException(connection, call, exceptions) : undefined;
  if (exception && !(exception === 'key' && isLive(connection) && recordsEvents(call))) {
    return { route: exception, own: exception === own };
  }
  const canary = connection.route === 'canary' && isInCanary(connection, call, random);
  return canary ? { route: 'oauth', own: false } : { route: own, own: true };
}

function findException(
  { id }: Connection,
  { operation }: RoutedCall,
  exceptions: readonly RouteException[],
): SentRoute | undefined {
  if (!operation) return undefined;
  const matching = exceptions.filter((each) => each.operation === operation.id);
  const exception =
    matching.find(({ connectionId }) => connectionId === id) ??
    matching.find(({ connectionId }) => connectionId === undefined);
  return exception?.route;
}

/** Connections of one account share a grant; once one uses it, the account's key must rest. */
export function preferOAuth(connections: readonly Connection[]): Connection | undefined {
  return connections.find(({ route }) => route === 'oauth') ?? connections[0];
}

/** Whether a connection's events belong to OAuth alone. */
export function isLive({ route, liveSinceMs }: Connection): boolean {
  return route === 'oauth' || liveSinceMs !== undefined;
}

/** Whether a call only reads. */
export function isRead({ method }: RoutedCall): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
}

/**
 * Whether a call may record an event or make a metric: what must not be sent both ways. A write
 * that the table does not know may be one in disguise.
 */
export function recordsEvents(call: RoutedCall): boolean {
  if (isRead(call)) return false;
  const { operation } = call;
  return (
    !operation ||
    operation.scopes.includes('events:write') ||
    operation.scopes.includes('metrics:write')
  );
}

/** Events stay on the key as a whole until the cutover moves them as a whole. */
function isInCanary(
  connection: Connection,
  call: RoutedCall,
  random: Pick<Random, 'fraction'>,
): boolean {
  const percent = connection.canaryPercent ?? 0;
  if (percent <= 0 || recordsEvents(call)) return false;
  if (percent >= 100) return true;
  const key = requestKeyOf(call);
  return (key === undefined ? random.fraction() : placeOf(connection.id, key)) * 100 < percent;
}

/** In [0, 1), the same for the same connection and request key in every process. */
function placeOf(connectionId: string, key: string): number {
  const digest = createHash('sha256').update(connectionId).update('\n').update(key).digest();
  return digest.readUInt32BE() / 2 ** 32;
}

/**
 * What makes two calls the same for a canary: their `Idempotency-Key`, else the resource they
 * name in their path or filter, else the body they send. Undefined for calls that name nothing,
 * such as a plain list: those are spread over both routes.
 */
export function requestKeyOf(call: RoutedCall): string | undefined {
  const given = call.headers['idempotency-key'];
  if (typeof given === 'string') return given;
  const [path = '', query = ''] = call.path.split('?', 2);
  if (call.operation?.path.includes('{')) return path;
  if (query.includes('filter=')) return call.path;
  if (typeof call.body === 'string') return `${path}\n${call.body}`;
  if (call.body instanceof Uint8Array && call.body.length > 0) {
    return `${path}\n${Buffer.from(call.body).toString('latin1')}`;
  }
  return undefined;
}
