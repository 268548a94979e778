import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSandbox } from '../sandbox.ts';
import { startTestSandbox, testSeed } from '../sandbox-client.test.helper.ts';

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
