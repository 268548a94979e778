import type { MessageChannel } from '../../src/model/message.ts';
import type { Invitation } from '../../src/model/invitation.ts';
import {
  newConnection,
  type Connection,
  type ConnectionDetails,
} from '../../src/model/connection.ts';
import { queueMessage, type QueueVerdict } from '../../src/migration/outreach/queue-message.ts';
import { openTestKeyshift, type TestKeyshift } from './keyshift-fixture.ts';
import { startSmtpSink, type SinkBehaviour, type SmtpSink } from './smtp-sink.ts';

/** A Keyshift with a mail server, and customers who can be written to. */
export interface OutreachBench extends AsyncDisposable {
  readonly bench: TestKeyshift;
  readonly sink: SmtpSink;
  /** Adds a customer who can be invited, with the address `<id>@shop.example`. */
  add(customerId: string, fields?: Partial<ConnectionDetails>): Promise<Connection>;
  /** Invites a customer and queues the message. */
  invite(
    connection: Connection,
    channel?: MessageChannel,
  ): Promise<{ invitation: Invitation; token: string; verdict: QueueVerdict }>;
  /** The state of every message, by customer. */
  states(): Promise<Record<string, string>>;
}

const dayMs = 86_400_000;

/** Opens the bench; closes both when it is disposed of. */
export async function openOutreachBench(
  behaviour: SinkBehaviour = {},
  environment: Readonly<Record<string, string>> = {},
): Promise<OutreachBench> {
  const sink = await startSmtpSink(behaviour);
  const bench = await openTestKeyshift({
    environment: {
      SMTP_URL: sink.url,
      MAIL_FROM: 'Acme Apps <hello@acme.example>',
      ...environment,
    },
  });
  const { store, invitations, random, clock } = bench.keyshift;
  return {
    bench,
    sink,
    add: (customerId, fields) =>
      store.connections.insert({
        ...newConnection({ clock, random }, { customerId, stage: 'checked', route: 'key' }),
        id: `connection-${customerId}`,
        accountId: 'AAA111',
        accountName: 'Alpha & Sons',
        email: `${customerId}@shop.example`,
        name: `Shop ${customerId}`,
        ...fields,
      }),
    async invite(connection, channel = 'mail') {
      const issued = await invitations.issue(connection, 30 * dayMs, 'test');
      const verdict = await queueMessage(
        store,
        { ...issued, kind: 'invitation', channel },
        { clock, random },
      );
      return { invitation: issued.invitation, token: issued.token.reveal(), verdict };
    },
    async states() {
      const states: Record<string, string> = {};
      for await (const { connectionId, state } of store.outbox.list()) {
        states[connectionId.replace('connection-', '')] = state;
      }
      return states;
    },
    async [Symbol.asyncDispose]() {
      await bench[Symbol.asyncDispose]();
      await sink[Symbol.asyncDispose]();
    },
  };
}
