import { isKeyshiftError, KeyshiftError } from '../../errors/keyshift-error.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { KeyProof } from '../../model/retirement.ts';
import { describeStage, type Connection } from '../../model/connection.ts';
import { errorsOf } from '../../model/hold-policy.ts';
import { mayRetire } from '../../model/stages.ts';
import type { Store } from '../../store/store.ts';
import type { KeyProofs, KeyState } from './key-proof.ts';
import type { ProveGrant } from './prove-grant.ts';
import type { StageMachine } from '../stage-machine.ts';
import { count } from '../../runtime/count.ts';

/** What has to prove that a key is dead at Klaviyo. */
export type ProofDemand =
  /** Klaviyo refuses it: the customer has deleted it. */
  | { readonly kind: 'probe' }
  /** It is disabled through Klaviyo's beta endpoint. */
  | { readonly kind: 'disable' }
  /** Nothing: a person takes the responsibility, and says why. */
  | { readonly kind: 'none'; readonly reason: string };

/** How a retirement is asked for. */
export interface RetireRequest {
  readonly policy: RetirePolicy;
  readonly demand: ProofDemand;
  readonly actor: string;
  readonly signal?: AbortSignal;
}

/** What a retirement came to. */
export interface RetireResult {
  readonly connection: Connection;
  /** `waiting`: the key still lives at Klaviyo; the connection is `quiet`, and can be rolled back. */
  readonly outcome: 'retired' | 'waiting';
  readonly detail: string;
}

/** The checklist of one connection. */
export interface RetirementReview {
  readonly connection: Connection;
  readonly checks: readonly RetirementCheck[];
  /** Whether nothing is missing. */
  readonly ready: boolean;
}

/** What keeps a key from being retired, by what is stored alone. */
export interface RetireObstacle {
  readonly error: KeyshiftError;
  /** Whether the key of a quiet connection was used: trying takes it back to `live`. */
  readonly wakes: boolean;
}

/** Ends private keys. */
export interface Retire {
  /** Looks at what is stored, and changes nothing; `undefined` when nothing is in the way. */
  whyNot(connection: Connection, policy: RetirePolicy): Promise<RetireObstacle | undefined>;
  /** Looks at everything that must hold, also at Klaviyo, and changes nothing. */
  review(
    connection: Connection,
    policy: RetirePolicy,
    signal?: AbortSignal,
  ): Promise<RetirementReview>;
  /**
   * Takes a connection to `quiet` and, with proof that its key is dead at Klaviyo and its grant
   * alive, destroys the sealed key. There is no way back from that.
   *
   * @throws KeyshiftError `stage_conflict` with what is missing; `scope_missing` and
   * `key_not_found` when the key is to be disabled; `grant_lost`, `account_unverified`, `upstream_*`.
   * The key is kept then
   */
  retire(connection: Connection, request: RetireRequest): Promise<RetireResult>;
}

/** What {@link createRetire} works with. */
export interface RetireOptions {
  readonly store: Store;
  readonly machine: StageMachine;
  readonly proveGrant: ProveGrant;
  readonly proofs: KeyProofs;
  readonly clock: Clock;
}

/** Creates the service. */
export function createRetire(options: RetireOptions): Retire {
  const { store, machine, proveGrant, clock } = options;

  async function whyNot(connection: Connection, policy: RetirePolicy) {
    const checks = await checkRetirement(store, connection, policy, clock.now());
    const missing = checks.find(({ done }) => !done);
    if (!missing) return undefined;
    const error = new KeyshiftError(
      'stage_conflict',
      `Customer ${connection.customerId} cannot be retired: ${missing.detail}.`,
      { fix: 'Run `keyshift retire --check` to see everything that is missing.' },
    );
    const wakes = connection.stage === 'quiet' && missing.name === 'quiet days';
    return { error, wakes, detail: missing.detail };
  }

  return {
    whyNot,

    async review(connection, policy, signal) {
      const checks = await checkRetirement(store, connection, policy, clock.now());
      checks.push(
        await reviewAnswer('grant alive', async () => {
          await proveGrant(requireAccount(connection), signal);
          return { done: true, detail: 'Klaviyo answers over OAuth' };
        }),
        await reviewAnswer('key dead', async () => {
          const { dead, detail } = await prove(options, connection, { kind: 'probe' }, signal);
          return { done: dead, detail };
        }),
      );
      return { connection, checks, ready: checks.every(({ done }) => done) };
    },

    async retire(connection, { policy, demand, actor, signal }) {
      const obstacle = await whyNot(connection, policy);
      if (obstacle?.wakes === true) await wake(connection, obstacle.detail, actor);
      if (obstacle) throw obstacle.error;
      const quiet = await becomeQuiet(connection, actor);
      const state = await prove(options, quiet, demand, signal);
      if (!state.dead) return { connection: quiet, outcome: 'waiting', detail: state.detail };
      // The last question before there is no way back: does OAuth work on its own?
      await proveGrant(requireAccount(quiet), signal);
      const retired = await destroy(quiet, state, actor);
      return { connection: retired, outcome: 'retired', detail: state.detail };
    },
  };

  /** A connection whose key is used again is not quiet. */
  async function wake(connection: Connection, detail: string, actor: string): Promise<void> {
    await store.transaction((tx) =>
      machine.move(tx, connection, 'live', { actor, reason: `the key was used: ${detail}` }),
    );
  }

  async function becomeQuiet(connection: Connection, actor: string): Promise<Connection> {
    if (connection.stage === 'quiet') return connection;
    return store.transaction(async (tx) => {
      await tx.retirements.save({
        ...{ connectionId: connection.id, quietAtMs: clock.now() },
        ...{ proof: undefined, detail: undefined, provedAtMs: undefined, retiredAtMs: undefined },
      });
      return machine.move(tx, connection, 'quiet', { actor });
    });
  }

  /** Fails when another hand was at the connection since: a rollback, or a use of the key. */
  function destroy(
    connection: Connection,
    { proof, detail }: { readonly proof: KeyProof | undefined; readonly detail: string },
    actor: string,
  ): Promise<Connection> {
    return store.transaction(async (tx) => {
      const nowMs = clock.now();
      const earlier = await tx.retirements.find(connection.id);
      const quietAtMs = earlier?.quietAtMs ?? nowMs;
      const key = await tx.privateKeys.info(connection.id);
      if (key?.present && (key.lastUsedAtMs ?? 0) > quietAtMs) {
        throw new KeyshiftError(
          'stage_conflict',
          `The key of customer ${connection.customerId} was used a moment ago.`,
        );
      }
      const reason = `private key destroyed: ${detail}`;
      await tx.privateKeys.destroy(connection.id, nowMs);
      const retired = await machine.move(tx, connection, 'retired', { actor, reason });
      await tx.retirements.save({
        ...{ connectionId: connection.id, quietAtMs, proof, detail },
        ...{ provedAtMs: nowMs, retiredAtMs: nowMs },
      });
      return retired;
    });
  }
}

/** A question to Klaviyo as a point of the checklist; no answer is not done. */
async function reviewAnswer(
  name: string,
  ask: () => Promise<Omit<RetirementCheck, 'name'>>,
): Promise<RetirementCheck> {
  try {
    return { name, ...(await ask()) };
  } catch (error) {
    if (!isKeyshiftError(error)) throw error;
    return { name, done: false, detail: error.message };
  }
}

async function prove(
  { store, proofs }: Pick<RetireOptions, 'store' | 'proofs'>,
  connection: Connection,
  demand: ProofDemand,
  signal: AbortSignal | undefined,
): Promise<Omit<KeyState, 'proof'> & { readonly proof: KeyProof | undefined }> {
  const stored = await store.privateKeys.openStored(connection.id);
  if (!stored) return { dead: true, proof: 'none', detail: 'no private key is stored' };
  const { secret: key, accountId } = stored;
  if (connection.key === 'foreign' && demand.kind !== 'none') {
    // Its account is not this connection's: nothing there is asked about it, or ended.
    if (accountId !== undefined) return { dead: true, proof: 'none', detail: ofOtherAccount };
    const detail = 'the stored key was not checked: run `keyshift check`';
    return { dead: false, proof: undefined, detail };
  }
  switch (demand.kind) {
    case 'probe':
      return proofs.probe(key, signal);
    case 'disable':
      return proofs.disable(key, requireAccount(connection), signal);
    case 'none':
      return { dead: true, proof: 'none', detail: `without proof: ${demand.reason}` };
    default:
      return demand satisfies never;
  }
}

const ofOtherAccount = 'the stored key belongs to another account';

function requireAccount({ accountId, customerId }: Connection): string {
  if (accountId !== undefined) return accountId;
  throw new KeyshiftError('grant_not_found', `The account of customer ${customerId} is unknown.`);
}

/** When a key has had its time. */
export interface RetirePolicy {
  /** Milliseconds without key traffic that must have passed. */
  readonly quietMs: number;
  /** Percent of the calls by OAuth, since the cutover, that neither Klaviyo nor the token failed. */
  readonly minSuccessPercent: number;
}

export const defaultRetirePolicy: RetirePolicy = { quietMs: 7 * 86_400_000, minSuccessPercent: 99 };

/** One point of the checklist before a key is destroyed. */
export interface RetirementCheck {
  readonly name: string;
  readonly done: boolean;
  /** What was found, in words that complete "cannot be retired: …" where it is not done. */
  readonly detail: string;
}

/** Goes through all that must hold before Klaviyo is asked about a key. Asks nobody. */
async function checkRetirement(
  store: Store,
  connection: Connection,
  policy: RetirePolicy,
  nowMs: number,
): Promise<RetirementCheck[]> {
  return [
    checkStage(connection),
    await checkQuiet(store, connection, policy, nowMs),
    await checkSuccess(store, connection, policy),
    await checkSwitch(store),
    await checkSharedKey(store, connection),
  ];
}

function checkStage(connection: Connection): RetirementCheck {
  const done = mayRetire(connection);
  const detail = done ? 'traffic is on OAuth' : `it is ${describeStage(connection)}, not live`;
  return { name: 'live', done, detail };
}

async function checkQuiet(
  store: Store,
  connection: Connection,
  { quietMs }: RetirePolicy,
  nowMs: number,
): Promise<RetirementCheck> {
  const key = await store.privateKeys.info(connection.id);
  const liveSinceMs = connection.liveSinceMs ?? connection.updatedAtMs;
  const quietSinceMs = Math.max(liveSinceMs, key?.lastUsedAtMs ?? 0);
  const lackingMs = Math.max(0, quietSinceMs + quietMs - nowMs);
  const days = (ms: number) => (ms / 86_400_000).toFixed(1);
  const done = lackingMs <= 0;
  const passed = done ? nowMs - quietSinceMs : quietMs - lackingMs;
  const detail = `${days(passed)} of ${days(quietMs)} days without key traffic have passed`;
  return { name: 'quiet days', done, detail };
}

async function checkSuccess(
  store: Store,
  { id, liveSinceMs }: Connection,
  { minSuccessPercent }: RetirePolicy,
): Promise<RetirementCheck> {
  const name = 'oauth success';
  const { oauth } = await store.traffic.summarize(id, liveSinceMs ?? 0);
  // Before the key goes, Klaviyo is asked by OAuth in any case: that one call must succeed.
  if (oauth.calls === 0) return { name, done: true, detail: 'no calls over OAuth were counted' };
  const percent = ((oauth.calls - errorsOf(oauth)) * 100) / oauth.calls;
  const done = percent >= minSuccessPercent;
  const detail =
    `${percent.toFixed(2)} % of ${count(oauth.calls, 'call')} over OAuth succeeded, ` +
    `${minSuccessPercent} % is required`;
  return { name, done, detail };
}

async function checkSwitch(store: Store): Promise<RetirementCheck> {
  const name = 'switch';
  const value = await store.switches.get('route');
  if (value !== 'key')
    return { name, done: true, detail: 'no kill switch sends traffic back to the key' };
  return { name, done: false, detail: 'the kill switch sends all traffic back to the key' };
}

/** Deleting a key at Klaviyo ends it for everybody who has it. */
async function checkSharedKey(store: Store, connection: Connection): Promise<RetirementCheck> {
  const name = 'shared key';
  // A key of another account is not deleted there when this connection forgets it.
  if (connection.key === 'foreign') return { name, done: true, detail: ofOtherAccount };
  const key = await store.privateKeys.open(connection.id);
  const ids = key ? await store.privateKeys.findConnectionIds(key) : [];
  const users: string[] = [];
  for (const id of ids.filter((each) => each !== connection.id)) {
    const other = await store.connections.findById(id);
    if (other?.key === 'held' && other.route !== 'oauth') users.push(other.customerId);
  }
  if (users.length === 0) return { name, done: true, detail: 'no other customer needs the key' };
  return { name, done: false, detail: `the same key still serves ${users.join(', ')}` };
}
