import { describe, expect, it } from 'vitest';
import { startFlow, type FlowFixture } from '../support/flow-fixture.ts';
import { accountOf, connectionOf, importAndCheck, keyOf } from '../support/migration-steps.ts';
import { startSmtpSink } from '../support/smtp-sink.ts';
import { queueMessage } from '../../src/migration/outreach/queue-message.ts';

const dayMs = 86_400_000;

/** A server that sends mail, and the mail that a customer got from it. */
async function openMailed() {
  const sink = await startSmtpSink();
  const fixture = await startFlow({
    environment: { SMTP_URL: sink.url, MAIL_FROM: 'Acme Apps <hello@acme.example>' },
  });
  await importAndCheck(fixture, [{ customerId: 'acme', key: keyOf(fixture, 0) }]);
  const { store, invitations, outreach, clock, random } = fixture.keyshift;
  const before = await connectionOf(fixture, 'acme');
  const connection = await store.connections.update(
    before,
    { email: 'ada@acme.example' },
    clock.now(),
  );
  const issued = await invitations.issue(connection, 30 * dayMs, 'test');
  await queueMessage(store, { ...issued, kind: 'invitation', channel: 'mail' }, { clock, random });
  await outreach.outbox.run();
  const source = sink.mails[0]?.source.replaceAll('=\r\n', '').replaceAll('=3D', '=') ?? '';
  const link = `${fixture.url}/connect/${issued.token.reveal()}`;
  return {
    ...{ fixture, sink, source, link },
    unsubscribe: /<(http[^>]+\/unsubscribe\/[^>]+)>/.exec(source)?.[1] ?? '',
    async [Symbol.asyncDispose]() {
      await fixture[Symbol.asyncDispose]();
      await sink[Symbol.asyncDispose]();
    },
  };
}

const post = (url: string, body: string) =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html' },
    body,
  });

/** What follows every address in a mail, without cookies, ten times, by GET and by HEAD. */
async function scan(urls: readonly string[]) {
  for (let i = 0; i < 10; i += 1) {
    for (const url of urls) {
      for (const method of ['HEAD', 'GET']) await fetch(url, { method, redirect: 'manual' });
    }
  }
}

const stageOf = async (fixture: FlowFixture) => (await connectionOf(fixture, 'acme')).stage;

describe('a mail scanner that opens everything before the customer does', () => {
  it('consumes nothing, unsubscribes nobody, and the customer’s own click succeeds', async () => {
    await using mailed = await openMailed();
    const { fixture, link, unsubscribe, source } = mailed;
    expect(source).toContain(link);
    expect(unsubscribe.startsWith(link)).toBe(true);
    await scan([link, `${link}/start`, unsubscribe, `${link}/administrator`]);
    expect(await fixture.keyshift.store.optOuts.count()).toBe(0);
    expect(await stageOf(fixture)).toBe('opened');
    const account = accountOf(fixture, 0);
    const answer = await fixture.newBrowser().signIn(`${link}/start`, { account });
    expect(answer.status).toBe(200);
    expect(await stageOf(fixture)).toBe('verified');
  });
});

describe('the link that ends mails', () => {
  it('works by the button and by the one click of a mail program, also after the link ended', async () => {
    await using mailed = await openMailed();
    const { fixture, unsubscribe } = mailed;
    const { store } = fixture.keyshift;
    const page = await fixture.newBrowser().get(unsubscribe);
    expect(page.body).toContain('Unsubscribe?');
    fixture.clock.skip(40 * dayMs);
    const answer = await post(unsubscribe, 'List-Unsubscribe=One-Click');
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('You’re unsubscribed');
    expect((await post(unsubscribe, '')).status).toBe(200);
    expect(await store.optOuts.has('ada@acme.example')).toBe(true);
    const { id } = await connectionOf(fixture, 'acme');
    const actions = (await store.audit.listByConnection(id)).map(({ action }) => action);
    expect(actions.filter((action) => action === 'mail.unsubscribed')).toHaveLength(1);
  });

  it('of one message does nothing under another link, or with a made-up message', async () => {
    await using mailed = await openMailed();
    const { fixture, link, unsubscribe } = mailed;
    const message = unsubscribe.split('/').at(-1)!;
    const wrong = [
      `${fixture.url}/connect/made-up/unsubscribe/${message}`,
      `${link}/unsubscribe/x`,
    ];
    for (const url of wrong) expect((await post(url, '')).status).toBe(404);
    expect(await fixture.keyshift.store.optOuts.count()).toBe(0);
  });
});

describe('sending the link to an administrator', () => {
  it('shows it for copying and as a mail, and mails it on, a few times a day', async () => {
    await using mailed = await openMailed();
    const { fixture, link, sink } = mailed;
    const connect = await fixture.newBrowser().get(link);
    expect(connect.body).toContain('Send this to your administrator');
    const page = await fixture.newBrowser().get(`${link}/administrator`);
    expect(page.body).toContain(`value="${link}"`);
    expect(page.body).toContain('mailto:?subject=');
    const statuses: number[] = [];
    for (const name of ['not-an-address', 'ann', 'ann', 'bob', 'cy', 'dan']) {
      const address = name.includes('-') ? name : `${name}@acme.example`;
      const body = new URLSearchParams({ address }).toString();
      statuses.push((await post(`${link}/administrator`, body)).status);
    }
    expect(statuses).toEqual([400, 200, 200, 200, 200, 429]);
    await fixture.keyshift.outreach.outbox.run();
    expect(
      sink.mails
        .slice(1)
        .map(({ to }) => to)
        .toSorted(),
    ).toEqual(['ann@acme.example', 'bob@acme.example', 'cy@acme.example']);
  });

  it('goes to no more people when many are named at the same moment', async () => {
    await using mailed = await openMailed();
    const { fixture, link } = mailed;
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, at) =>
        post(`${link}/administrator`, `address=someone-${at}%40acme.example`),
      ),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
    expect(await fixture.keyshift.store.outbox.count({ kinds: ['hand_over'] })).toBe(3);
  });

  it('offers no form where no mail can be sent', async () => {
    await using fixture = await startFlow();
    await importAndCheck(fixture, [{ customerId: 'acme', key: keyOf(fixture, 0) }]);
    const connection = await connectionOf(fixture, 'acme');
    const { token } = await fixture.keyshift.invitations.issue(connection, dayMs, 'test');
    const url = `${fixture.url}/connect/${token.reveal()}/administrator`;
    const page = await fixture.newBrowser().get(url);
    expect(page.body).toContain('mailto:');
    expect(page.body).not.toContain('<form');
    expect((await post(url, 'address=a@b.example')).status).toBe(404);
    const gone = await fixture.newBrowser().get(`${fixture.url}/connect/made-up/administrator`);
    expect(gone.status).toBe(404);
  });
});
