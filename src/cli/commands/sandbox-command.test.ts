import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCliBench, type CliBench } from '../../../test/support/cli-fixture.ts';
import type { SandboxSettings } from '../../sandbox/context/settings.ts';
import { createSampleSeed } from '../../sandbox/seed/sample-seed.ts';
import { optionsOf, type SandboxFlags } from './sandbox-command.ts';

let cli: CliBench;
beforeEach(async () => void (cli = await openCliBench()));
afterEach(() => cli[Symbol.asyncDispose]());

/** Starts it on a free port, and presses Ctrl-C as soon as it listens for that. */
const started = (...flags: string[]) =>
  cli.runInterrupted(0, 'sandbox', '--port', '0', '--json', ...flags);

describe('sandbox', () => {
  it('prints what a client needs, and ends in order by Ctrl-C', async () => {
    const { code, stderr, json } = await started();
    expect([code, stderr]).toEqual([0, '']);
    const [app] = createSampleSeed({ customers: 10 }).apps;
    const url = expect.stringMatching(/^http:\/\/localhost:\d+/) as unknown;
    expect(json).toEqual([
      {
        ...{ url, authorize_url: url, token_url: url, revoke_url: url, api_url: url },
        accounts: 10,
        private_key: expect.stringMatching(/^pk_/),
        apps: [
          {
            client_id: app?.clientId,
            client_secret: app?.clientSecret,
            name: app?.name,
            redirect_uris: app?.redirectUris,
            scopes: app?.scopes,
          },
        ],
      },
    ]);
  });

  it('says the same to a person, in words to paste', async () => {
    const { stdout } = await cli.runInterrupted(0, 'sandbox', '--port', '0');
    expect(stdout).toMatch(/^Klaviyo sandbox at http:\/\/localhost:\d+, 10 accounts\n/);
    expect(stdout).toMatch(/^ +REDIRECT_URI=http:\/\/localhost:5000\/auth\/callback$/m);
    expect(stdout).toMatch(/^ +KLAVIYO_TOKEN_URL=http:\/\/localhost:\d+\/oauth\/token$/m);
  });

  it('makes the shops of a random seed, as many as asked for', async () => {
    const shown = async (...flags: string[]) => {
      const [sandbox] = (await started(...flags)).json;
      return sandbox as { accounts: number; private_key: string };
    };
    const one = await shown('--random-seed', '7', '--accounts', '3');
    expect(one.accounts).toBe(3);
    const same = await shown('--random-seed', '7', '--accounts', '3');
    expect(same.private_key).toBe(one.private_key);
    expect((await shown('--random-seed', '8')).private_key).not.toBe(one.private_key);
  });

  it('limits refreshes to ten a minute, unless the seed or an option says otherwise', () => {
    const limitOf = (flags: Partial<SandboxFlags>, settings: Partial<SandboxSettings> = {}) => {
      const seed = { accounts: [], apps: [], settings };
      const options = optionsOf({ port: 0, host: 'localhost', limits: true, ...flags }, seed);
      return options.settings?.refreshLimitPerMinute;
    };
    expect(limitOf({})).toBe(10);
    expect(limitOf({}, { refreshLimitPerMinute: 3 })).toBe(3);
    expect(limitOf({ refreshLimit: 5 }, { refreshLimitPerMinute: 3 })).toBe(5);
    expect(limitOf({ set: { refreshLimitPerMinute: null } })).toBeNull();
    expect(limitOf({ limits: false })).toBeNull();
  });

  it('reads seeds of YAML and JSON', async () => {
    const seed = { accounts: [], apps: [], sample: { accounts: 4 } };
    await cli.write('seed.json', JSON.stringify(seed));
    await cli.write('seed.yaml', 'sample:\n  accounts: 5\n');
    expect((await started('--seed', 'seed.json')).json).toMatchObject([{ accounts: 4, apps: [] }]);
    expect((await started('--seed', 'seed.yaml')).json).toMatchObject([{ accounts: 5 }]);
  });

  it.each([
    ['a file that is not there', ['--seed', 'gone.yaml'], /gone\.yaml cannot be read \(ENOENT\)/],
    [
      'text that is neither',
      ['--seed', 'bad.yaml'],
      /neither YAML nor JSON \(line \d+, column \d+\)/,
    ],
    ['a seed with a mistake', ['--seed', 'wrong.yaml'], /accounts\[0\]\.id: must be 6 letters/],
    ['a setting that nobody knows', ['--set', 'speed=9'], /speed/],
    ['a setting out of range', ['--set', 'codeLifetimeSec=0'], /codeLifetimeSec/],
    ['a setting without a value', ['--set', 'rotation'], /name=value/],
    ['a rotation there is not', ['--rotation', 'often'], /rotate_with_grace/],
    ['a port there is not', ['--port', '70000'], /whole number from 0 to 65535/],
    ['two sources of accounts', ['--seed', 'x.yaml', '--accounts', '2'], /cannot be used with/],
  ])('refuses %s in one clear line, without what the file holds', async (_, flags, message) => {
    await cli.write('bad.yaml', 'accounts:\n  - key: "pk_secret\n');
    await cli.write('wrong.yaml', 'accounts: [{ id: x, name: pk_secret, keys: [] }]\napps: []\n');
    const { code, stderr, stdout } = await cli.run('sandbox', '--port', '0', ...flags);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('pk_secret');
  });
});
