import {
  hasConsented,
  isInvited,
  reasonRules,
  stageRules,
  type AttentionReason,
  type JourneyStage,
  type Stage,
  type StageRules,
} from './stages.ts';

/** Which credential a connection's traffic uses. */
export type Route = 'key' | 'canary' | 'oauth';

/** One customer's link to one Klaviyo account, holding a private key, a grant, or both. */
export interface Connection {
  readonly id: string;
  /** The integrator's own id of its customer; unique. */
  readonly customerId: string;
  /** Klaviyo's 6-character public id; absent until the key check or the consent tells it. */
  readonly accountId: string | undefined;
  readonly accountName: string | undefined;
  readonly email: string | undefined;
  /** What the integrator calls the customer. */
  readonly name: string | undefined;
  readonly stage: Stage;
  /** Set while `stage` is `attention`. */
  readonly attentionReason: AttentionReason | undefined;
  /** The stage the connection was at before `attention`. */
  readonly attentionFrom: Stage | undefined;
  readonly route: Route;
  /** When traffic moved to OAuth; start of the quiet days. */
  readonly liveSinceMs: number | undefined;
  /** Share of calls that go by OAuth while `route` is `canary`, 0 to 100; absent means none. */
  readonly canaryPercent: number | undefined;
  /** Share of reads sent by key that are repeated by OAuth and compared, 0 to 100; absent means none. */
  readonly shadowPercent: number | undefined;
  /** Since when calls by OAuth are watched: the canary, the cutover, or the end of a hold. */
  readonly watchedSinceMs: number | undefined;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** Grows with every write; the fence of {@link ConnectionStore.update}. */
  readonly version: number;
}

/** Columns of a connection that may change. `undefined` clears a column, absence keeps it. */
export type ConnectionPatch = Partial<{
  [
    Field in
      | 'accountId'
      | 'accountName'
      | 'email'
      | 'name'
      | 'stage'
      | 'attentionReason'
      | 'attentionFrom'
      | 'route'
      | 'liveSinceMs'
      | 'canaryPercent'
      | 'shadowPercent'
      | 'watchedSinceMs'
  ]: Connection[Field];
}>;

/** A connection of which its stage and why it waits for a person matter. */
type Standing = Pick<Connection, 'stage' | 'attentionReason' | 'attentionFrom'>;

/** Why a connection cannot be invited now; `undefined` when it can. */
export function whyNotInvited(
  connection: Pick<Connection, 'stage' | 'attentionReason' | 'accountId'>,
): string | undefined {
  const { stage, attentionReason: reason, accountId } = connection;
  if (stage === 'attention' && (reason === 'key_invalid' || accountId === undefined)) {
    return `its account is unknown (${reason ?? 'attention'}): import a working key first`;
  }
  const { invitation }: StageRules = stageRules[stage];
  return typeof invitation === 'object' ? invitation.refused : undefined;
}

/** Whether an import may replace the private key; at `attention`, by the stage before it. */
export function keyMayBeReplaced({ stage, attentionFrom }: Standing): boolean {
  const before = stage === 'attention' ? (attentionFrom ?? 'imported') : stage;
  return stageRules[before].keyMayBeReplaced;
}

/** Whether a reminder of its invitation may go out. */
export function mayBeReminded(connection: Standing): boolean {
  const { stage, attentionReason: reason } = connection;
  return stage === 'attention'
    ? reason === undefined || reasonRules[reason].mayRemind
    : isInvited(connection);
}

/** Whether the checks of a consent may be made, or made again. */
export function mayBeVerified(connection: Standing): boolean {
  const { attentionReason: reason } = connection;
  return hasConsented(connection) || (reason !== undefined && reasonRules[reason].mayVerify);
}

/** Whether there is traffic on OAuth that may go back to the key. */
export function mayRollBack({ stage, route }: Pick<Connection, 'stage' | 'route'>): boolean {
  return route !== 'key' && stageRules[stage].mayRollBack;
}

/** Where a rollback leads: without a proven grant, behind the place where it is proven. */
export function stageAfterRollBack({ stage, attentionReason }: Standing): JourneyStage {
  if (stage !== 'attention') return 'verified';
  return attentionReason === undefined ? 'checked' : reasonRules[attentionReason].rollsBackTo;
}

/** Whether a grant of another account may be given to it: no traffic depends on the present one. */
export function accountMayChange({ stage, route }: Pick<Connection, 'stage' | 'route'>): boolean {
  return stage === 'attention' || (route === 'key' && stageRules[stage].traffic === 'by_key');
}

/** The stage of a connection in words. */
export function describeStage({ stage, attentionReason }: Standing): string {
  return stage === 'attention' ? `at attention (${attentionReason ?? 'no reason'})` : stage;
}
