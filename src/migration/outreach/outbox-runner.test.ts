import { describe, expect, it } from 'vitest';
import { openOutreachBench } from '../../../test/support/outreach-fixture.ts';

const nothing = { sent: 0, failed: 0, uncertain: 0, cancelled: 0, waiting: 0, unavailable: {} };

describe('sending by mail', () => {
  it('leaves everything waiting where no server is there, and says why without the password', async () => {
    await using outreach = await openOutreachBench(
      {},
      { SMTP_URL: 'smtp://user:hunter-two@127.0.0.1:1' },
    );
    await outreach.invite(await outreach.add('a'));
    const run = await outreach.bench.keyshift.outreach.outbox.run();
    expect(run).toMatchObject({ ...nothing, unavailable: { mail: expect.any(String) as string } });
    expect(JSON.stringify(run)).not.toContain('hunter');
    expect(await outreach.states()).toEqual({ a: 'waiting' });
  });

  it('sends each mail once, however often and by how many it is run', async () => {
    await using outreach = await openOutreachBench();
    for (let i = 0; i < 60; i += 1) await outreach.invite(await outreach.add(`c${i}`));
    const { outbox } = outreach.bench.keyshift.outreach;
    const runs = await Promise.all([outbox.run(), outbox.run()]);
    expect(runs[0].sent + runs[1].sent).toBe(60);
    expect(await outbox.run()).toEqual(nothing);
    expect(new Set(outreach.sink.mails.map(({ to }) => to)).size).toBe(60);
    expect(outreach.sink.mails).toHaveLength(60);
    expect(outreach.sink.connections()).toBeLessThanOrEqual(10);
  });

  it('tells an address that is refused for good from one that is refused for now', async () => {
    await using outreach = await openOutreachBench({
      refuse: (to) =>
        ({
          'gone@shop.example': { code: 550, text: 'no such user' },
          'grey@shop.example': { code: 451, text: 'come back later' },
        })[to],
    });
    for (const name of ['gone', 'grey', 'good']) await outreach.invite(await outreach.add(name));
    const { store, outreach: service, clock } = outreach.bench.keyshift;
    expect(await service.outbox.run()).toEqual({ ...nothing, sent: 1, failed: 1, waiting: 1 });
    expect(await outreach.states()).toEqual({ gone: 'failed', grey: 'waiting', good: 'sent' });
    const details: (string | undefined)[] = [];
    for await (const { detail } of store.outbox.list({ states: ['failed', 'waiting'] })) {
      details.push(detail);
    }
    expect(details.toSorted().join('; ')).toMatch(/^451.*; 550/);
    expect(await service.outbox.run(), 'not before its time').toEqual(nothing);
    expect(await store.outbox.nextDueMs()).toBeGreaterThan(clock.now());
  });

  it('calls a mail uncertain whose fate a broken connection hides, and does not repeat it', async () => {
    await using outreach = await openOutreachBench({
      cut: (to) => (to.startsWith('lost') ? 'after_data' : undefined),
    });
    for (const name of ['lost', 'good']) await outreach.invite(await outreach.add(name));
    const { store, outreach: service, clock } = outreach.bench.keyshift;
    expect(await service.outbox.run()).toMatchObject({ sent: 1, uncertain: 1 });
    expect(await service.outbox.run()).toEqual(nothing);
    expect(outreach.sink.mails.filter(({ to }) => to.startsWith('lost'))).toHaveLength(1);
    for await (const { id } of store.outbox.list({ states: ['uncertain'] })) {
      expect(await store.outbox.resend(id, clock.now())).toBe(true);
    }
    await service.outbox.run();
    const ids = outreach.sink.mails.filter(({ to }) => to.startsWith('lost'));
    expect(ids, 'by choice, and recognisable').toHaveLength(2);
    expect(new Set(ids.map(({ messageId }) => messageId)).size).toBe(1);
  });

  it('fails nobody when the server refuses the sender', async () => {
    await using outreach = await openOutreachBench({
      server: {
        onMailFrom: (_address, _session, done) => {
          done(Object.assign(new Error('who are you'), { responseCode: 553 }));
        },
      },
    });
    for (const name of ['a', 'b']) await outreach.invite(await outreach.add(name));
    const run = await outreach.bench.keyshift.outreach.outbox.run();
    expect(run.unavailable.mail).toContain('who are you');
    expect(await outreach.states()).toEqual({ a: 'waiting', b: 'waiting' });
  });

  it('is content with the connections that a server grants', async () => {
    await using outreach = await openOutreachBench({ server: { maxClients: 1 } });
    for (let i = 0; i < 12; i += 1) await outreach.invite(await outreach.add(`c${i}`));
    expect(await outreach.bench.keyshift.outreach.outbox.run()).toMatchObject({ sent: 12 });
  });

  it('drops what became pointless since it was queued', async () => {
    await using outreach = await openOutreachBench();
    const { store, machine, invitations, outreach: service, clock } = outreach.bench.keyshift;
    for (const name of ['consented', 'unsubscribed', 'revoked', 'good']) {
      await outreach.invite(await outreach.add(name));
    }
    const read = async (name: string) => (await store.connections.findByCustomer(name))!;
    await machine.move(store, await read('consented'), 'authorized', { actor: 'test' });
    await store.optOuts.add('Unsubscribed@shop.example', clock.now(), 'test');
    await invitations.revoke(await read('revoked'), 'test');
    expect(await service.outbox.run()).toMatchObject({ sent: 1, cancelled: 2 });
    expect(outreach.sink.mails.map(({ to }) => to)).toEqual(['good@shop.example']);
    expect((await outreach.states())['revoked']).toBe('cancelled');
    expect((await read('revoked')).stage).toBe('checked');
  });

  it('sends a mail that can be answered, unsubscribed from and recognised', async () => {
    await using outreach = await openOutreachBench();
    const connection = await outreach.add('acme', { name: 'Zoë <b>\r\nBcc: x@y' });
    await outreach.bench.keyshift.store.labels.put(connection.id, { language: 'de-AT' });
    const { token } = await outreach.invite(connection);
    await outreach.bench.keyshift.outreach.outbox.run();
    const [mail] = outreach.sink.mails;
    const headers = mail!.source.split('\r\n\r\n')[0]!.replaceAll(/\r\n\s+/g, ' ');
    expect(headers).toMatch(/^From: Acme Apps <hello@acme.example>$/m);
    expect(headers).toMatch(/^To: acme@shop.example$/m);
    expect(headers).not.toMatch(/^Bcc/im);
    expect(headers).toMatch(/^Content-Language: de$/m);
    expect(headers).toMatch(/^List-Unsubscribe-Post: List-Unsubscribe=One-Click$/m);
    const unsubscribe = /^List-Unsubscribe: <(.+)>$/m.exec(headers)?.[1] ?? '';
    expect(unsubscribe.startsWith(`http://localhost:5000/connect/${token}/unsubscribe/`)).toBe(
      true,
    );
    expect(mail!.messageId).toBe(`<${unsubscribe.split('/').at(-1)}@acme.example>`);
    expect(mail!.source).toContain('multipart/alternative');
  });
});
