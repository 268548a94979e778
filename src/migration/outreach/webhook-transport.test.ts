import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { openOutreachBench } from '../../../test/support/outreach-fixture.ts';

const secret = 'webhook-secret-of-the-test';

/** A receiver that answers these statuses in turn, and the last one from then on. */
async function startReceiver(...statuses: number[]) {
  const got: { headers: IncomingHttpHeaders; body: string }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const status = statuses[Math.min(got.length, statuses.length - 1)] ?? 200;
      got.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(status).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    got,
    environment: {
      WEBHOOK_URL: `http://127.0.0.1:${port}/hook/token-in-path`,
      WEBHOOK_SECRET: secret,
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('posting to the webhook', () => {
  it('signs what it posts, and names the customer and the link', async () => {
    await using receiver = await startReceiver(200);
    await using outreach = await openOutreachBench({}, receiver.environment);
    const { token } = await outreach.invite(await outreach.add('acme'), 'webhook');
    expect(await outreach.bench.keyshift.outreach.outbox.run()).toMatchObject({ sent: 1 });
    const [{ headers, body } = { headers: {}, body: '' }] = receiver.got;
    const signed = `${headers['keyshift-timestamp'] as string}.${body}`;
    expect(headers['keyshift-signature']).toBe(
      `v1=${createHmac('sha256', secret).update(signed).digest('hex')}`,
    );
    expect(JSON.parse(body)).toMatchObject({
      id: headers['keyshift-event-id'],
      type: 'invitation.created',
      data: { customer_id: 'acme', link: `http://localhost:5000/connect/${token}` },
    });
  });

  it('tries again under the same id after a failure, and ends at 410', async () => {
    await using receiver = await startReceiver(500, 200, 410);
    await using outreach = await openOutreachBench({}, receiver.environment);
    const { clock, outreach: service } = outreach.bench.keyshift;
    await outreach.invite(await outreach.add('acme'), 'webhook');
    expect(await service.outbox.run()).toMatchObject({ waiting: 1 });
    await outreach.bench.clock.advance(3_600_000);
    expect(clock.now()).toBeGreaterThan(0);
    expect(await service.outbox.run()).toMatchObject({ sent: 1 });
    const ids = receiver.got.map(({ headers }) => headers['keyshift-event-id']);
    expect(ids).toEqual([ids[0], ids[0]]);
    await outreach.invite(await outreach.add('gone'), 'webhook');
    expect(await service.outbox.run()).toMatchObject({ failed: 1 });
    expect(await outreach.states()).toEqual({ acme: 'sent', gone: 'failed' });
    expect(outreach.bench.logLines.join('')).not.toContain('token-in-path');
  });
});
