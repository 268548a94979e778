import { once } from 'node:events';
import type { Socket } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

/** A mail as the sink took it. */
export interface SinkMail {
  readonly to: string;
  readonly messageId: string;
  readonly source: string;
}

/** A mail server of this machine that keeps what it gets. */
export interface SmtpSink extends AsyncDisposable {
  /** In the form of `SMTP_URL`. */
  readonly url: string;
  readonly mails: readonly SinkMail[];
  /** Connections that were opened so far. */
  readonly connections: () => number;
}

/** How the sink misbehaves. */
export interface SinkBehaviour {
  /** Answers a code for a recipient, in place of taking it. */
  readonly refuse?: (
    recipient: string,
  ) => { readonly code: number; readonly text: string } | undefined;
  /** Cuts the connection when it has a mail for this recipient, before or after it says so. */
  readonly cut?: (recipient: string) => 'after_data' | undefined;
  readonly server?: SMTPServerOptions;
}

/** Starts the sink on a free port. */
export async function startSmtpSink(behaviour: SinkBehaviour = {}): Promise<SmtpSink> {
  const mails: SinkMail[] = [];
  const sockets = new Map<string, Socket>();
  let connections = 0;
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    logger: false,
    onConnect(session, done) {
      connections += 1;
      done();
    },
    onRcptTo({ address }, _session, done) {
      const refusal = behaviour.refuse?.(address);
      done(refusal && Object.assign(new Error(refusal.text), { responseCode: refusal.code }));
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const source = Buffer.concat(chunks).toString();
        const to = session.envelope.rcptTo[0]?.address ?? '';
        const messageId = /^Message-ID: (\S+)/im.exec(source)?.[1] ?? '';
        mails.push({ to, messageId, source });
        if (behaviour.cut?.(to)) sockets.get(session.id)?.destroy();
        else done();
      });
    },
    ...behaviour.server,
  });
  server.on('error', () => undefined);
  server.server.on('connection', (socket: Socket) => {
    // The session's id is known once the server has made its connection of the socket.
    setImmediate(() => {
      for (const each of server.connections) {
        const { id, _socket: own } = each as unknown as { id: string; _socket: Socket };
        if (own === socket) sockets.set(id, socket);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const { port } = server.server.address() as { port: number };
  return {
    url: `smtp://127.0.0.1:${port}?rate=10000`,
    mails,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.values()) socket.destroy();
      await new Promise<void>((resolve) => {
        server.close(resolve);
      });
    },
  };
}
