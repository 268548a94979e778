import { describeStage, type Connection } from '../model/connection.ts';
import { mayRetire } from '../model/stages.ts';
import type { Store } from '../store/store.ts';
import { errorsOf } from '../model/hold-policy.ts';

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
export async function checkRetirement(
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
    `${percent.toFixed(2)} % of ${oauth.calls} calls over OAuth succeeded, ` +
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
  const key = await store.privateKeys.open(connection.id);
  const ids = key ? await store.privateKeys.findConnectionIds(key) : [];
  const users: string[] = [];
  for (const id of ids.filter((each) => each !== connection.id)) {
    const other = await store.connections.findById(id);
    if (other && other.route !== 'oauth') users.push(other.customerId);
  }
  if (users.length === 0) return { name, done: true, detail: 'no other customer needs the key' };
  return { name, done: false, detail: `the same key still serves ${users.join(', ')}` };
}
