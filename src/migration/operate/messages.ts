import { KeyshiftError } from '../../errors/keyshift-error.ts';
import type { OutboxEntry } from '../../model/message.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Store } from '../../store/store.ts';
import { willChange, type Action, type PlanItem } from './plan.ts';

/** What actions on messages work with. */
export interface MessageDeps {
  readonly store: Store;
  readonly clock: Clock;
}

/** Which messages are sent once more: all in a state, or one by its id. */
export type ResendChoice = 'failed' | 'uncertain' | { readonly messageId: string };

/** Lets failed or uncertain messages be sent once more, under the same id; results in how many. */
export function resendMessages(
  { store, clock }: MessageDeps,
  choice: ResendChoice,
): Action<number> {
  async function* chosen(): AsyncGenerator<OutboxEntry> {
    if (typeof choice === 'string') {
      yield* store.outbox.list({ states: [choice] });
      return;
    }
    const entry = await store.outbox.findById(choice.messageId);
    if (entry?.state !== 'failed' && entry?.state !== 'uncertain') {
      throw new KeyshiftError('request_invalid', 'No failed or uncertain message has this id.', {
        fix: 'See `keyshift outbox --no-send` for the ids.',
      });
    }
    yield entry;
  }

  return {
    plan: () => planMessages(store, chosen(), 'is sent again'),
    async apply(actor) {
      let count = 0;
      for await (const { id, connectionId } of chosen()) {
        const atMs = clock.now();
        await store.transaction(async (tx) => {
          if (!(await tx.outbox.resend(id, atMs))) return;
          count += 1;
          await tx.audit.append({
            ...{ atMs, actor, action: 'message.resent', connectionId, reason: id },
            ...{ fromStage: undefined, toStage: undefined },
          });
        });
      }
      return count;
    },
  };
}

/** Yields the messages that a run of the outbox would send now. */
export function planSending({ store, clock }: MessageDeps): AsyncGenerator<PlanItem<undefined>> {
  async function* due(): AsyncGenerator<OutboxEntry> {
    const nowMs = clock.now();
    for await (const entry of store.outbox.list({ states: ['waiting'] })) {
      if (entry.dueAtMs <= nowMs) yield entry;
    }
  }
  return planMessages(store, due(), 'is sent');
}

async function* planMessages(
  store: Store,
  entries: AsyncIterable<OutboxEntry>,
  what: string,
): AsyncGenerator<PlanItem<undefined>> {
  for await (const { kind, channel, connectionId } of entries) {
    const connection = await store.connections.findById(connectionId);
    if (!connection) continue;
    const words = `its ${kind.replace('_', '-')} by ${channel} ${what}`;
    yield { ...willChange(undefined, words), connection };
  }
}
