import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import {
  hasConsented,
  isInvited,
  reasonRules,
  stageRules,
  type AttentionReason,
  type JourneyStage,
  type Stage,
} from './stages.ts';

/** What of a connection an import, a key check or a consent may write, apart from where it stands. */
export interface ConnectionDetails {
  /** Klaviyo's 6-character public id; absent until the key check or the consent tells it. */
  readonly accountId: string | undefined;
  readonly accountName: string | undefined;
  readonly email: string | undefined;
  /** What the integrator calls the customer. */
  readonly name: string | undefined;
  /** Share of reads sent by key that are repeated by OAuth and compared, 0 to 100; absent means none. */
  readonly shadowPercent: number | undefined;
}

interface ConnectionRecord extends ConnectionDetails {
  readonly id: string;
  /** The integrator's own id of its customer; unique. */
  readonly customerId: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** How far a connection has come: a stage of the journey, or a person is needed, and why. */
export type At =
  | {
      readonly stage: JourneyStage;
      readonly attentionReason: undefined;
      readonly attentionFrom: undefined;
    }
  | {
      readonly stage: 'attention';
      readonly attentionReason: AttentionReason;
      /** The stage of the journey that it was at before. */
      readonly attentionFrom: JourneyStage;
    };

/** All calls go by the private key. */
interface WayByKey {
  readonly route: 'key';
  readonly canaryPercent: undefined;
  readonly liveSinceMs: undefined;
  readonly watchedSinceMs: undefined;
}

/** A share of the calls goes by OAuth, the rest by key. */
interface WayOfCanary {
  readonly route: 'canary';
  /** The share by OAuth, 0 to 100. */
  readonly canaryPercent: number;
  readonly liveSinceMs: undefined;
  /** When the canary began. */
  readonly watchedSinceMs: number;
}

/** All calls go by OAuth. */
interface WayByOAuth {
  readonly route: 'oauth';
  readonly canaryPercent: undefined;
  /** When traffic moved; start of the quiet days. Absent until the first consent is verified. */
  readonly liveSinceMs: number | undefined;
  /** Since when the calls are watched: the cutover, or the end of a hold. */
  readonly watchedSinceMs: number | undefined;
}

/** No call goes out: disconnected, and without a key to go back to. A new consent mends it. */
interface NoWay {
  readonly route: 'none';
  readonly canaryPercent: undefined;
  /** When traffic had moved to OAuth. */
  readonly liveSinceMs: number | undefined;
  readonly watchedSinceMs: undefined;
}

/** Which credential a connection's calls use, with what only that way has. */
export type Way = WayByKey | WayOfCanary | WayByOAuth | NoWay;
export type Route = Way['route'];

/**
 * The private key of a connection: `held` when it may be used, which is when it was proved for the
 * connection's account, or when neither has been asked about yet; `foreign` when it is stored and
 * was not proved for the connection's account; `none` when there never was one.
 */
export type KeyState = 'held' | 'foreign' | 'destroyed' | 'none';

/** A connection that holds a key may use it. Any other goes by OAuth, or not at all: by its type. */
type Credentialed =
  | ({ readonly key: 'held' } & (WayByKey | WayOfCanary | WayByOAuth))
  | ({ readonly key: Exclude<KeyState, 'held'> } & (WayByOAuth | NoWay));

/**
 * One customer's link to one Klaviyo account. The account's grant belongs to the account: all
 * connections of one account share it.
 */
export type Connection = ConnectionRecord &
  At &
  Credentialed & {
    /** Grows with every write; the fence of {@link ConnectionStore.update}. */
    readonly version: number;
  };

/** A connection whose private key may be used. */
export type KeyHolder = Extract<Connection, { readonly key: 'held' }>;

/** A connection to be inserted; its key is stored apart, in the same transaction. */
export type NewConnection = ConnectionRecord & At & (WayByKey | WayOfCanary | WayByOAuth);

/**
 * What a write changes: details one by one (`undefined` clears one, absence keeps it), the stage
 * and the way each as a whole, so that nothing of the former one stays behind.
 */
export type ConnectionChange = Partial<ConnectionDetails> & {
  readonly at?: At;
  readonly way?: Way;
};

/** A connection as flat as its row. */
export interface ConnectionColumns extends ConnectionRecord {
  readonly stage: Stage;
  readonly attentionReason: AttentionReason | undefined;
  readonly attentionFrom: Stage | undefined;
  /** `key` also stands for no way at all: the key itself says which. */
  readonly route: 'key' | 'canary' | 'oauth';
  readonly canaryPercent: number | undefined;
  readonly liveSinceMs: number | undefined;
  readonly watchedSinceMs: number | undefined;
  readonly key: KeyState;
  readonly version: number;
}

/**
 * Makes a connection of its columns, and drops what its stage and route do not have.
 *
 * @throws TypeError when it waits for a person without a reason, which nothing writes
 */
export function parseConnection(columns: ConnectionColumns): Connection {
  return {
    id: columns.id,
    customerId: columns.customerId,
    accountId: columns.accountId,
    accountName: columns.accountName,
    email: columns.email,
    name: columns.name,
    ...parseAt(columns),
    ...parseWay(columns),
    shadowPercent: columns.shadowPercent,
    createdAtMs: columns.createdAtMs,
    updatedAtMs: columns.updatedAtMs,
    version: columns.version,
  };
}

function parseAt({ id, stage, attentionReason: reason, attentionFrom }: ConnectionColumns): At {
  if (stage !== 'attention') return at(stage);
  if (reason === undefined) throw new TypeError(`Connection ${id} is at attention for no reason.`);
  // From nowhere: it begins anew.
  const from =
    attentionFrom === undefined || attentionFrom === 'attention' ? 'imported' : attentionFrom;
  return { stage, attentionReason: reason, attentionFrom: from };
}

function parseWay(columns: ConnectionColumns): Credentialed {
  const { key, route, liveSinceMs, watchedSinceMs } = columns;
  if (route === 'oauth') return { key, ...goByOAuth(liveSinceMs, watchedSinceMs) };
  if (key !== 'held') return { key, ...goNowhere(liveSinceMs) };
  if (route === 'key') return { key, ...byKey };
  return {
    ...{ key, route, liveSinceMs: undefined },
    canaryPercent: columns.canaryPercent ?? 0,
    watchedSinceMs: watchedSinceMs ?? columns.updatedAtMs,
  };
}

/** The first row of a customer's connection: nothing is known of its account yet. */
export function newConnection(
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  fields: Pick<Connection, 'customerId'> &
    Partial<Pick<Connection, 'email' | 'name'>> & {
      readonly stage: JourneyStage;
      readonly route: 'key' | 'oauth';
    },
): NewConnection {
  const nowMs = clock.now();
  return {
    id: random.id(),
    customerId: fields.customerId,
    accountId: undefined,
    accountName: undefined,
    email: fields.email,
    name: fields.name,
    ...at(fields.stage),
    ...(fields.route === 'key' ? byKey : goByOAuth(undefined, undefined)),
    shadowPercent: undefined,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
}

/** At a stage of the journey. */
export function at(stage: JourneyStage): At {
  return { stage, attentionReason: undefined, attentionFrom: undefined };
}

/** Set aside for a person; a second reason replaces the first, and the stage before stays known. */
export function setAside(connection: At, attentionReason: AttentionReason): At {
  const attentionFrom =
    connection.stage === 'attention' ? connection.attentionFrom : connection.stage;
  return { stage: 'attention', attentionReason, attentionFrom };
}

const byKey: WayByKey = {
  route: 'key',
  canaryPercent: undefined,
  liveSinceMs: undefined,
  watchedSinceMs: undefined,
};

/** All traffic back to the private key. Only who holds one has this way. */
export function backToKey(_holder: KeyHolder): Way {
  return byKey;
}

/** A share of the calls by OAuth; a wider share is watched since the first. */
export function asCanary(holder: KeyHolder, canaryPercent: number, nowMs: number): Way {
  const watchedSinceMs = holder.route === 'canary' ? holder.watchedSinceMs : nowMs;
  return { route: 'canary', canaryPercent, liveSinceMs: undefined, watchedSinceMs };
}

/** All traffic by OAuth, watched from now on; whoever was on it before has been since then. */
export function byOAuth({ liveSinceMs }: Pick<Connection, 'liveSinceMs'>, nowMs: number): Way {
  return goByOAuth(liveSinceMs ?? nowMs, nowMs);
}

/** Whether a private key is stored, also one of another account. */
export function storesKey({ key }: Pick<Connection, 'key'>): boolean {
  return key === 'held' || key === 'foreign';
}

/** What is left without a grant: the key, or nothing. */
export function withoutGrant(connection: Connection): Way {
  return connection.key === 'held' ? byKey : goNowhere(connection.liveSinceMs);
}

function goByOAuth(
  liveSinceMs: number | undefined,
  watchedSinceMs: number | undefined,
): WayByOAuth {
  return { route: 'oauth', canaryPercent: undefined, liveSinceMs, watchedSinceMs };
}

function goNowhere(liveSinceMs: number | undefined): NoWay {
  return { route: 'none', canaryPercent: undefined, liveSinceMs, watchedSinceMs: undefined };
}

/** Why a connection cannot be invited now; `undefined` when it can. */
export function whyNotInvited(connection: At & Pick<Connection, 'accountId'>): string | undefined {
  const { stage, attentionReason: reason, accountId } = connection;
  if (stage === 'attention' && (reason === 'key_invalid' || accountId === undefined)) {
    return `its account is unknown (${reason}): import a working key first`;
  }
  const { invitation } = stageRules[stage];
  return typeof invitation === 'object' ? invitation.refused : undefined;
}

/** Whether an import may replace the private key; at `attention`, by the stage before it. */
export function keyMayBeReplaced({ stage, attentionFrom }: At): boolean {
  return stageRules[stage === 'attention' ? attentionFrom : stage].keyMayBeReplaced;
}

/** Whether a reminder of its invitation may go out. */
export function mayBeReminded(connection: At): boolean {
  return connection.stage === 'attention'
    ? reasonRules[connection.attentionReason].mayRemind
    : isInvited(connection);
}

/** Whether the checks of a consent may be made, or made again. */
export function mayBeVerified(connection: At): boolean {
  return connection.stage === 'attention'
    ? reasonRules[connection.attentionReason].mayVerify
    : hasConsented(connection);
}

/** Whether any call goes by OAuth. */
export function sendsByOAuth({ route }: Pick<Connection, 'route'>): boolean {
  return route === 'canary' || route === 'oauth';
}

/** Whether there is traffic on OAuth that may go back to the key. */
export function mayRollBack(connection: Pick<Connection, 'stage' | 'route'>): boolean {
  return sendsByOAuth(connection) && stageRules[connection.stage].mayRollBack;
}

/** Where a rollback leads: without a proven grant, behind the place where it is proven. */
export function stageAfterRollBack({ stage, attentionReason }: At): JourneyStage {
  return stage === 'attention' ? reasonRules[attentionReason].rollsBackTo : 'verified';
}

/** Whether a grant of another account may be given to it: no traffic depends on the present one. */
export function accountMayChange(connection: Pick<Connection, 'stage' | 'route'>): boolean {
  const { stage } = connection;
  if (stage === 'attention') return true;
  return stageRules[stage].traffic === 'by_key' && !sendsByOAuth(connection);
}

/** The stage of a connection in words. */
export function describeStage({ stage, attentionReason }: At): string {
  return stage === 'attention' ? `at attention (${attentionReason})` : stage;
}
