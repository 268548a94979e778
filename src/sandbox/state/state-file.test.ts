import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSandbox } from '../sandbox.ts';
import { startTestSandbox, testSeed } from '../../../test/support/sandbox-client.ts';

let folder: string;
let stateFile: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sandbox-state-'));
  stateFile = join(folder, 'deep', 'sandbox.json');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the state file', () => {
  it.each([
    ['text that is not JSON', '{"secret-token'],
    ['another version', '{"version":99,"data":{}}'],
    ['another shape', '{"version":1,"data":{"accounts":[{"id":1}]}}'],
  ])('refuses %s, naming the file and not what is in it', async (_, text) => {
    const path = join(folder, 'broken.json');
    await writeFile(path, text);
    const error: unknown = await startTestSandbox({ stateFile: path }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: 'config_invalid' });
    expect(String(error)).toContain(path);
    expect(JSON.stringify(error) + String((error as Error).cause)).not.toContain('secret-token');
  });

  it('lets a sandbox that is started again know its installs, tokens and resources', async () => {
    const first = await startTestSandbox({ stateFile });
    const tokens = await first.install('BBB222');
    const attributes = { email: 'kim@alpha.example' };
    await first.post('/api/profiles', { data: { type: 'profile', attributes } });
    const event = {
      properties: {},
      metric: { data: { type: 'metric', attributes: { name: 'Kept' } } },
      profile: { data: { type: 'profile', attributes } },
    };
    await first.post('/api/events', { data: { type: 'event', attributes: event } });
    const code = await first.obtainCode();
    const before = (await first.get('/api/events')).at('data.0.attributes');
    await first.sandbox.close();

    await using second = await startTestSandbox({ stateFile });
    expect((await second.get('/api/accounts', tokens.access_token)).at('data.0.id')).toBe('BBB222');
    expect((await second.refresh(tokens.refresh_token)).status).toBe(200);
    expect((await second.exchange(code)).status).toBe(200);
    expect((await second.get('/api/events')).at('data.0.attributes')).toEqual(before);
    const again = await second.post('/api/profiles', { data: { type: 'profile', attributes } });
    expect(again.status).toBe(409);
    expect((await second.get('/api/metrics')).at('data.length')).toBe(3);
  });

  it('keeps lists with their members, tags, consent, jobs, webhooks and switched-off keys', async () => {
    const first = await startTestSandbox({ stateFile });
    const profile = (await first.get('/api/profiles')).text('data.0.id');
    const created = async (path: string, data: object) =>
      (await first.post(path, { data })).text('data.id');
    const attributes = { name: 'News', opt_in_process: 'single_opt_in' };
    const list = await created('/api/lists', { type: 'list', attributes });
    const lists = { lists: { data: [{ type: 'list', id: list }] } };
    const job = await created('/api/profile-bulk-import-jobs', {
      type: 'profile-bulk-import-job',
      attributes: { profiles: { data: [{ type: 'profile', id: profile }, { type: 'profile' }] } },
      relationships: lists,
    });
    const tag = await created('/api/tags', { type: 'tag', attributes: { name: 'summer' } });
    await first.post(`/api/tags/${tag}/relationships/lists`, lists.lists);
    const email = 'ada@alpha.example';
    await first.post('/api/profile-suppression-bulk-create-jobs', {
      data: {
        type: 'profile-suppression-bulk-create-job',
        attributes: { profiles: { data: [{ type: 'profile', attributes: { email } }] } },
      },
    });
    const webhook = await created('/api/webhooks', {
      type: 'webhook',
      attributes: { name: 'W', endpoint_url: 'https://a.example', secret_key: 'w' },
      relationships: {
        'webhook-topics': { data: [{ type: 'webhook-topic', id: 'event:klaviyo.sent_sms' }] },
      },
    });
    const paths = [
      `/api/lists/${list}/profiles?additional-fields[profile]=subscriptions`,
      `/api/lists/${list}/tags`,
      `/api/tags/${tag}/tag-group`,
      `/api/profile-bulk-import-jobs/${job}/import-errors`,
      `/api/profile-bulk-import-jobs/${job}/profiles`,
      `/api/webhooks/${webhook}`,
    ];
    const read = async (test: typeof first) => {
      const data: unknown[] = [];
      for (const path of paths) {
        const reply = await test.get(path);
        expect([path, reply.status]).toEqual([path, 200]);
        data.push(JSON.parse(JSON.stringify(reply.at('data')).replaceAll(test.sandbox.url, '')));
      }
      return data;
    };
    const before = await read(first);
    await first.sandbox.close();
    await using second = await startTestSandbox({ stateFile });
    expect(await read(second)).toEqual(before);
    expect(JSON.stringify(before)).toContain('USER_SUPPRESSED');
  });

  it('puts back what the seed names and keeps what it does not', async () => {
    const first = await startTestSandbox({ stateFile });
    const tokens = await first.install();
    await first.sandbox.close();
    const [app, ...otherApps] = testSeed.apps;
    const renewed = { ...(app ?? testSeed.apps[0]!), clientSecret: 'renewed' };
    const seed = { accounts: [], apps: [renewed, ...otherApps] };
    await using second = await startTestSandbox({ stateFile, seed });
    expect((await second.refresh(tokens.refresh_token)).at('error')).toBe('invalid_client');
    expect((await second.refresh(tokens.refresh_token, renewed)).status).toBe(200);
    expect((await second.get('/api/accounts')).status).toBe(200);
  });

  it('needs no seed the second time', async () => {
    const first = await startTestSandbox({ stateFile });
    await first.install();
    await first.sandbox.close();
    await using second = await startSandbox({ stateFile });
    expect(second.accounts().map(({ id }) => id)).toEqual(['AAA111', 'BBB222']);
    expect(second.accounts()[0]?.installs).toHaveLength(1);
  });

  it('is written soon after a change, not only on close, and readable only by its owner', async () => {
    await using test = await startTestSandbox({ stateFile });
    const { refresh_token } = await test.install();
    await expect.poll(() => readFile(stateFile, 'utf8').catch(() => '')).toContain(refresh_token);
    expect((await stat(stateFile)).mode & 0o777).toBe(0o600);
    test.sandbox.uninstall('AAA111');
    await expect.poll(() => readFile(stateFile, 'utf8')).not.toContain(refresh_token);
  });

  it('refuses to start from a place that cannot be read', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    await expect(startTestSandbox({ stateFile: join(file, 'state.json') })).rejects.toMatchObject({
      code: 'config_invalid',
    });
  });

  it('makes close fail when the state cannot be saved', async () => {
    const { sandbox, install } = await startTestSandbox({ stateFile });
    await writeFile(join(folder, 'deep'), '');
    await install();
    await expect(sandbox.close()).rejects.toThrow();
  });
});
