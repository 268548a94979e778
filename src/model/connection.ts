import type { AttentionReason, Stage } from './stages.ts';

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
