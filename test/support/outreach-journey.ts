import { expect } from 'vitest';
import { fallBackSwitchName, routeSwitchName } from '../../src/calls/route-policies.ts';
import { toCampaignDocument } from '../../src/cli/report/campaign-document.ts';
import { toEvidenceDocument } from '../../src/cli/report/evidence-document.ts';
import { renderHtml } from '../../src/cli/report/render-html.tsx';
import { renderMarkdown } from '../../src/cli/report/render-markdown.ts';
import { renderText } from '../../src/cli/report/render-text.ts';
import { toReportJson } from '../../src/cli/report/to-report-json.ts';
import { checkKeys } from '../../src/migration/import/check-keys.ts';
import { readCustomers } from '../../src/migration/import/customer-file.ts';
import { importCustomers } from '../../src/migration/import/import-customers.ts';
import { queueMessage } from '../../src/migration/outreach/queue-message.ts';
import { makeCampaignReport } from '../../src/migration/report/campaign-report.ts';
import { collectEvidence } from '../../src/migration/report/evidence.ts';
import type { ConnectionChange } from '../../src/model/connection.ts';
import { send } from './answer.ts';
import type { FlowFixture } from './flow-fixture.ts';
import { accountOf, connectionOf, keyOf } from './migration-steps.ts';
import { startLoopbackServer, type LoopbackServer } from './loopback-server.ts';
import { startSmtpSink, type SmtpSink } from './smtp-sink.ts';
import type { JourneyObserver } from './whole-journey.ts';

/** A mail server and a webhook that repeat, as they refuse, what must not be kept. */
export interface TalkativeReceivers extends AsyncDisposable {
  readonly sink: SmtpSink;
  readonly hook: LoopbackServer;
  /** Settings by which a Keyshift sends to them. */
  readonly environment: Readonly<Record<string, string>>;
  /** What the mail server says while it refuses; undefined lets mails pass. */
  refuseWith(text: string | undefined): void;
}

/** Starts both. The path of the webhook's address is a secret. */
export async function startTalkativeReceivers(secretPath: string): Promise<TalkativeReceivers> {
  let refusal: string | undefined;
  const sink = await startSmtpSink({
    refuse: () => (refusal === undefined ? undefined : { code: 554, text: refusal }),
  });
  const hook = await startLoopbackServer((response, { body }) => {
    response.writeHead(500).end(body);
  });
  return {
    sink,
    hook,
    environment: {
      SMTP_URL: sink.url,
      MAIL_FROM: 'Acme Apps <hello@acme.example>',
      WEBHOOK_URL: `${hook.url}/${secretPath}`,
      WEBHOOK_SECRET: 'hook-f7Kq2RzT9mXwB4LcN6',
    },
    refuseWith: (text) => (refusal = text),
    async [Symbol.asyncDispose]() {
      await sink[Symbol.asyncDispose]();
      await hook[Symbol.asyncDispose]();
    },
  };
}

const customerId = 'mailed';

/**
 * What happens around a migration, once, with the last account of the seed: mail that is refused
 * and repeated, a webhook that fails, a link that is passed on, unsubscribing, consent, canary,
 * shadow reads, exceptions, the kill switch, stray keys, metrics, reports.
 */
export async function playOutreachJourney(
  fixture: FlowFixture,
  observer: JourneyObserver,
  receivers: TalkativeReceivers,
): Promise<void> {
  const account = fixture.seed.accounts.length - 1;
  const link = await writeToCustomer(fixture, observer, receivers, account);
  const consent = { account: accountOf(fixture, account) };
  expect((await fixture.newBrowser().signIn(`${link}/start`, consent)).status).toBe(200);
  await shareTraffic(fixture, observer, account);
  await reportAll(fixture, observer);
}

async function writeToCustomer(
  fixture: FlowFixture,
  { ledger, show }: JourneyObserver,
  { sink, hook, refuseWith }: TalkativeReceivers,
  account: number,
): Promise<string> {
  const { store, machine, lookUpAccount, invitations, outreach, clock, random } = fixture.keyshift;
  const key = keyOf(fixture, account);
  const csv = [
    'customer_id,private_key,email,plan,api_key_old,note',
    `${customerId},${key},ada@acme.example,gold,${key},once ${key}`,
  ].join('\n');
  const batch = { store, machine, clock, random, actor: 'cli' };
  show(JSON.stringify(await importCustomers(readCustomers(csv), batch)));
  await checkKeys({ store, machine, lookUpAccount, actor: 'cli' });
  const connection = await connectionOf(fixture, customerId);
  show(JSON.stringify(await store.labels.of(connection.id)));
  const issued = await invitations.issue(connection, 86_400_000, 'cli');
  const link = `${fixture.url}/connect/${issued.token.reveal()}`;
  ledger.add('invitation_token', issued.token.reveal());
  for (const channel of ['mail', 'webhook'] as const) {
    await queueMessage(store, { ...issued, kind: 'invitation', channel }, { clock, random });
  }
  refuseWith(`the list says no to ${link} and to ${key}`);
  show(JSON.stringify(await outreach.outbox.run()));
  expect(hook.received[0]?.body).toContain(link);
  for await (const entry of store.outbox.list()) {
    show(JSON.stringify(entry));
    if (entry.channel === 'mail') {
      expect(entry).toMatchObject({ state: 'failed' });
      expect(entry.detail).toContain('the list says no');
      await store.outbox.resend(entry.id, clock.now());
    }
  }
  refuseWith(undefined);
  await outreach.outbox.run();
  const mail = sink.mails[0]?.source.replaceAll('=\r\n', '').replaceAll('=3D', '=') ?? '';
  const unsubscribe = /<(http[^>]+\/unsubscribe\/[^>]+)>/.exec(mail)?.[1] ?? '';
  const post = (url: string, fields: Record<string, string>) =>
    send(url, { method: 'POST', body: new URLSearchParams(fields) });
  const browser = fixture.newBrowser();
  expect((await browser.get(`${link}/administrator`)).status).toBe(200);
  expect((await post(`${link}/administrator`, { address: 'no address' })).status).toBe(400);
  expect((await post(`${link}/administrator`, { address: 'bob@acme.example' })).status).toBe(200);
  await outreach.outbox.run();
  expect(sink.mails).toHaveLength(2);
  expect((await browser.get(unsubscribe)).status).toBe(200);
  expect((await post(unsubscribe, { 'List-Unsubscribe': 'One-Click' })).status).toBe(200);
  return link;
}

async function shareTraffic(fixture: FlowFixture, { show }: JourneyObserver, account: number) {
  const { store, cutover, metrics, traffic } = fixture.keyshift;
  const { clock } = fixture;
  const key = keyOf(fixture, account);
  const call = () =>
    send(`${fixture.url}/api/accounts`, {
      headers: { authorization: `Klaviyo-API-Key ${key}`, 'user-agent': `old-job ${key}` },
    });
  const change = async (patch: ConnectionChange) => {
    await store.connections.update(await connectionOf(fixture, customerId), patch, clock.now());
    clock.skip(1_000);
  };
  await change({ shadowPercent: 100 });
  expect((await call()).headers.get('keyshift-route')).toBe('key');
  await expect
    .poll(async () => {
      await traffic.writeBehind.flush();
      return (await store.shadow.list()).length;
    })
    .toBe(1);
  show(JSON.stringify(await store.shadow.list()));

  await cutover.startCanary(await connectionOf(fixture, customerId), 50, 'cli');
  await cutover.cutOver(await connectionOf(fixture, customerId), 'cli');
  clock.skip(1_000);
  expect((await call()).headers.get('keyshift-route')).toBe('oauth');
  await store.switches.set(routeSwitchName, 'key', clock.now(), 'cli');
  clock.skip(1_000);
  expect((await call()).headers.get('keyshift-route')).toBe('key');
  await store.switches.set(routeSwitchName, undefined, clock.now(), 'cli');
  await store.switches.set(fallBackSwitchName, 'off', clock.now(), 'cli');
  await store.routeExceptions.put({
    ...{ connectionId: undefined, operation: 'get_profiles', route: 'key' },
    ...{ createdAtMs: clock.now(), actor: 'cli' },
  });
  clock.skip(1_000);
  await cutover.rollBack(await connectionOf(fixture, customerId), 'cli', `away with ${key}`);
  await traffic.writeBehind.flush();
  const sightings = await store.keySightings.list(0);
  expect(sightings.map(({ userAgent }) => userAgent)).toContain('old-job pk_[scrubbed]');
  show(JSON.stringify(sightings));
  const connection = await connectionOf(fixture, customerId);
  show(JSON.stringify(await metrics.snapshot(connection)));
  show(JSON.stringify(await metrics.compare(connection)));
  show((await send(`${fixture.url}/metrics`)).body);
}

/** Every report in every form, as `keyshift report` writes them. */
async function reportAll({ keyshift: { store, clock } }: FlowFixture, { show }: JourneyObserver) {
  const campaign = await makeCampaignReport(store, { nowMs: clock.now(), named: 50 });
  const evidence = await collectEvidence(store, customerId, clock.now());
  expect(evidence).toBeDefined();
  for (const report of [campaign, evidence]) show(toReportJson(report));
  for (const document of [toCampaignDocument(campaign), toEvidenceDocument(evidence)]) {
    for (const render of [renderHtml, renderMarkdown, renderText]) show(render(document));
  }
  for await (const entry of store.audit.list()) show(JSON.stringify(entry));
}
