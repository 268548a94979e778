import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import type { MessageChannel, OutboxEntry, SendOutcome } from '../../model/message.ts';
import { nextOpenMs, type QuietHours } from '../../model/reminder-policy.ts';
import type { Store } from '../../store/store.ts';
import type { Invitations } from '../consent/invitations.ts';
import { toMessageContext, whyPointless, type MessageContext } from './message-context.ts';
import { createPace } from './pace.ts';
import type { SendResult, Transport } from './send-result.ts';
import { createSenderId, findDeadSenders } from './sender-id.ts';

/** How messages leave by one channel. */
export interface ChannelSetup {
  /** Opens one more hand; each is used for one message at a time. */
  readonly open: () => Transport<MessageContext>;
  readonly hands: number;
  /** Most messages a second, over all hands. */
  readonly ratePerSec: number;
}

/** What {@link createOutboxRunner} works with. */
export interface OutboxRunnerOptions {
  readonly store: Store;
  readonly invitations: Pick<Invitations, 'tokenOf'>;
  readonly clock: Clock;
  readonly random: Random;
  /** The beginning of every link. */
  readonly publicUrl: string;
  readonly channels: Partial<Record<MessageChannel, ChannelSetup>>;
}

/** What one run came to. */
export interface OutboxRun {
  readonly sent: number;
  readonly failed: number;
  readonly uncertain: number;
  readonly cancelled: number;
  /** Put off to a later time. */
  readonly waiting: number;
  /** Why a channel could not be used at all; what waited for it goes on waiting. */
  readonly unavailable: Partial<Record<MessageChannel, string>>;
}

export interface OutboxRunOptions {
  readonly signal?: AbortSignal;
  /** Told after every message. */
  readonly onDone?: (done: number) => void;
  /** No reminder leaves within these hours. */
  readonly quietHours?: QuietHours | undefined;
}

/** Sends what is due, once; several processes may do so at the same time. */
export interface OutboxRunner {
  run(options?: OutboxRunOptions): Promise<OutboxRun>;
}

/** Longer than any deadline of a transport: whoever is this late is dead. */
const leaseMs = 180_000;
const batchPerHand = 20;
const mostAttempts = 10;
/** So many failures in a row are not the fault of the messages: the rest is left for later. */
const failuresThatStop = 30;

/** Creates the runner. */
export function createOutboxRunner(options: OutboxRunnerOptions): OutboxRunner {
  const { store, clock } = options;
  const own = new Set<string>();
  return {
    async run(runOptions = {}) {
      const owner = createSenderId(options.random);
      own.add(owner);
      const counts = { sent: 0, failed: 0, cancelled: 0, waiting: 0 };
      const dead = findDeadSenders(await store.outbox.listOwners(), own);
      let uncertain = await store.outbox.takeOver(clock.now(), dead);
      const unavailable: Partial<Record<MessageChannel, string>> = {};
      try {
        const names = Object.keys(options.channels) as MessageChannel[];
        await Promise.all(
          names.map(async (name) => {
            const setup = options.channels[name];
            if (!setup) return;
            const run = createChannelRun({ ...options, ...runOptions, owner, name, setup });
            const result = await run((state) => {
              if (state === 'uncertain') uncertain += 1;
              else counts[state] += 1;
              runOptions.onDone?.(counts.sent + counts.failed + counts.cancelled + uncertain);
            });
            if (result !== undefined) unavailable[name] = result;
          }),
        );
      } finally {
        await store.outbox.release(owner);
        own.delete(owner);
      }
      return { ...counts, uncertain, unavailable };
    },
  };
}

interface ChannelRunOptions extends OutboxRunnerOptions, OutboxRunOptions {
  readonly owner: string;
  readonly name: MessageChannel;
  readonly setup: ChannelSetup;
}

/** Sends what is due by one channel; answers why it cannot be used, if so. */
function createChannelRun(options: ChannelRunOptions) {
  const { store, clock, owner, name, setup, signal } = options;
  const pace = createPace(setup.ratePerSec, clock);
  let stopped: string | undefined;
  let failuresInARow = 0;
  /** Messages that a hand held when it lost the other side. */
  let dropped = 0;

  return async (onEnd: (state: SendOutcome['state']) => void): Promise<string | undefined> => {
    const hands = Array.from({ length: setup.hands }, () => setup.open());
    try {
      while (signal?.aborted !== true && stopped === undefined) {
        const batch = await claim();
        if (batch.length === 0) break;
        const able = await findAble(hands);
        if (able.length === 0) break;
        const queue = batch.values();
        dropped = 0;
        await Promise.all(able.map((hand) => empty(queue, hand, onEnd)));
        if (dropped > 0) await store.outbox.release(owner);
        if (dropped === able.length) stopped ??= 'the connections were lost';
      }
      return stopped;
    } finally {
      await Promise.all(hands.map((hand) => hand.close()));
    }
  };

  function claim(): Promise<OutboxEntry[]> {
    const nowMs = clock.now();
    return store.outbox.claim({
      ...{ owner, nowMs, channels: [name] },
      leaseExpiresAtMs: nowMs + leaseMs,
      limit: setup.hands * batchPerHand,
    });
  }

  /** A server that grants fewer connections than asked for is served by those it grants. */
  async function findAble(hands: readonly Transport<MessageContext>[]) {
    const obstacles = await Promise.all(hands.map((hand) => hand.ready()));
    const able = hands.filter((_hand, index) => obstacles[index] === undefined);
    if (able.length === 0) stopped = obstacles[0]?.detail ?? 'not available';
    return able;
  }

  async function empty(
    queue: Iterator<OutboxEntry>,
    hand: Transport<MessageContext>,
    onEnd: (state: SendOutcome['state']) => void,
  ): Promise<void> {
    for (;;) {
      if (signal?.aborted === true || stopped !== undefined) return;
      const next = queue.next();
      if (next.done === true) return;
      const outcome = await handle(next.value, hand);
      if (outcome === 'hand_lost') {
        dropped += 1;
        return;
      }
      if (outcome && (await finish(next.value.id, outcome))) onEnd(outcome.state);
    }
  }

  async function handle(
    entry: OutboxEntry,
    hand: Transport<MessageContext>,
  ): Promise<SendOutcome | 'hand_lost' | undefined> {
    const prepared = await prepare(entry, options);
    if ('state' in prepared) return prepared;
    await pace(signal);
    if (signal?.aborted === true) return undefined;
    if (await hand.ready()) return 'hand_lost';
    // From here on a crash leaves the message uncertain.
    if (!(await store.outbox.begin(entry.id, owner, clock.now() + leaseMs))) return undefined;
    const result = await hand.send(prepared);
    failuresInARow = result.kind === 'accepted' ? 0 : failuresInARow + 1;
    if (result.kind === 'unavailable' || failuresInARow >= failuresThatStop) {
      stopped ??= result.detail;
    }
    return toOutcome(result, entry, clock.now());
  }

  /** What was learned is worth some patience with the database: unsaved, it is `uncertain`. */
  async function finish(id: string, outcome: SendOutcome): Promise<boolean> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await store.outbox.finish(id, owner, outcome);
      } catch (error) {
        if (attempt === 5) throw error;
        await clock.sleep(200 * attempt ** 2);
      }
    }
  }
}

/** The message ready to be sent, or why it is not to be sent now. */
async function prepare(
  entry: OutboxEntry,
  { store, invitations, clock, publicUrl, quietHours }: ChannelRunOptions,
): Promise<MessageContext | SendOutcome> {
  const atMs = clock.now();
  const connection = await store.connections.findById(entry.connectionId);
  const invitation = await store.invitations.findById(entry.invitationId);
  if (!connection || !invitation) {
    return { state: 'cancelled', atMs, detail: 'the customer no longer exists' };
  }
  const pointless = whyPointless(connection, invitation, atMs);
  if (pointless !== undefined) return { state: 'cancelled', atMs, detail: pointless };
  if (entry.recipient !== undefined && (await store.optOuts.has(entry.recipient))) {
    return { state: 'cancelled', atMs, detail: 'the recipient unsubscribed' };
  }
  const labels = await store.labels.of(connection.id);
  if (entry.kind === 'reminder' && quietHours) {
    const dueAtMs = nextOpenMs(atMs, quietHours, labels['time_zone']);
    if (dueAtMs > atMs) return { state: 'waiting', dueAtMs, detail: 'quiet hours' };
  }
  const token = invitations.tokenOf(invitation);
  if (!token) {
    const detail = 'SESSION_SECRET was changed: use `keyshift invite --reissue`';
    return { state: 'failed', atMs, detail };
  }
  const link = `${publicUrl}/connect/${token.reveal()}`;
  return toMessageContext(entry, { connection, invitation, labels, link });
}

function toOutcome(result: SendResult, entry: OutboxEntry, atMs: number): SendOutcome {
  const { detail } = result;
  switch (result.kind) {
    case 'accepted':
      return { state: 'sent', atMs, detail };
    case 'refused':
      return { state: 'failed', atMs, detail };
    case 'uncertain':
      return { state: 'uncertain', atMs, detail };
    case 'unavailable':
      return { state: 'waiting', dueAtMs: atMs, detail };
    case 'transient': {
      const attempts = entry.attempts + 1;
      if (attempts >= mostAttempts) return { state: 'failed', atMs, detail };
      const pauseMs = (result.retryAfterSec ?? Math.min(4 * 3600, 30 * 2 ** attempts)) * 1000;
      return { state: 'waiting', dueAtMs: atMs + pauseMs, detail };
    }
    default:
      return result satisfies never;
  }
}
