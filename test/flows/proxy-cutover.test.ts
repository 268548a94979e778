import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ApiKeySession, EventsApi, ProfilesApi } from 'klaviyo-api';
import { expect, it } from 'vitest';
import { startFlow, type FlowFixture } from '../support/flow-fixture.ts';
import { accountOf, keyOf, migrateToVerified } from '../support/migration-steps.ts';

const environment = {
  KLAVIYO_SCOPES: 'accounts:read profiles:read profiles:write events:read events:write',
};

/** The old code of an application: its key in its SDK, only the base path is new. */
function createApplication({ url }: FlowFixture, key: string) {
  const session = new ApiKeySession(key);
  const profiles = new ProfilesApi(session);
  const events = new EventsApi(session);
  profiles.basePath = url;
  events.basePath = url;
  let sent = 0;
  const calls = [
    () => profiles.getProfiles({}),
    () => events.createEvent(eventOf((sent += 1)) as never),
    () => profiles.createProfile(profileOf((sent += 1)) as never),
  ];
  return { call: (at: number) => calls[at % calls.length]!(), sentEvents: () => sent };
}

function eventOf(at: number) {
  return {
    data: {
      type: 'event',
      attributes: {
        properties: { at },
        uniqueId: `event-${at}`,
        metric: { data: { type: 'metric', attributes: { name: 'Placed Order' } } },
        profile: { data: { type: 'profile', attributes: { email: `p${at}@shop.example` } } },
      },
    },
  };
}

function profileOf(at: number) {
  return { data: { type: 'profile', attributes: { email: `new-${at}@shop.example` } } };
}

/** The same in curl, as a script has it. */
async function curl({ url }: FlowFixture, key: string): Promise<string> {
  const { stdout } = await promisify(execFile)('curl', [
    ...['-s', '-o', '/dev/null', '-w', '%{http_code}', `${url}/api/accounts`],
    ...['-H', `Authorization: Klaviyo-API-Key ${key}`, '-H', 'revision: 2026-07-15'],
  ]);
  return stdout;
}

it('an application that only changed its host loses no call through its cutover, and no call goes by key after it', async () => {
  await using fixture = await startFlow({ environment });
  const { keyshift, sandbox } = fixture;
  const verified = await migrateToVerified(fixture, 'acme', 0);
  const key = keyOf(fixture, 0);
  const application = createApplication(fixture, key);
  const outcomes = { sdk: 0, curl: 0, failed: [] as unknown[] };
  const stop = new AbortController();

  const sdkLoad = async () => {
    for (let at = 0; !stop.signal.aborted; at += 1) {
      try {
        await application.call(at);
        outcomes.sdk += 1;
      } catch (error) {
        outcomes.failed.push(error);
      }
    }
  };
  const curlLoad = async () => {
    while (!stop.signal.aborted) {
      const status = await curl(fixture, key);
      if (status === '200') outcomes.curl += 1;
      else outcomes.failed.push(status);
    }
  };
  const load = Promise.all([sdkLoad(), sdkLoad(), curlLoad()]);
  const more = async (calls: number) => {
    const target = outcomes.sdk + calls;
    await expect
      .poll(() => outcomes.sdk + outcomes.failed.length, { timeout: 60_000 })
      .toBeGreaterThan(target);
  };

  await more(30);
  await keyshift.cutover.cutOver(verified, 'cli');
  await more(30);
  // What every process has read by then; the load goes on.
  fixture.clock.skip(1_000);
  await more(10);
  const settled = sandbox.requests().length;
  await more(60);
  stop.abort();
  await load;

  expect(outcomes.failed).toEqual([]);
  expect(outcomes.curl).toBeGreaterThan(0);
  const mine = sandbox.requests().filter(({ accountId }) => accountId === accountOf(fixture, 0));
  expect(mine.filter(({ status }) => status >= 400)).toEqual([]);
  const after = sandbox
    .requests()
    .slice(settled)
    .filter(({ path }) => path.startsWith('/api/'));
  expect(after.length).toBeGreaterThan(50);
  expect(after.filter(({ credential }) => credential !== 'oauth')).toEqual([]);
  expect(mine.some(({ credential }) => credential === 'key')).toBe(true);

  // It still sends the key: the list of places to change says so.
  await keyshift.traffic.writeBehind.flush();
  const sightings = await keyshift.store.keySightings.list(0, verified.id);
  expect(new Set(sightings.map(({ operation }) => operation))).toContain('create_event');
  expect(sightings.some(({ userAgent }) => userAgent.startsWith('curl/'))).toBe(true);
  const { oauth, key: byKey } = await keyshift.store.traffic.summarize(verified.id, 0);
  expect(oauth.ok).toBeGreaterThan(50);
  expect(byKey.ok).toBeGreaterThan(20);
});
