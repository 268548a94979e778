import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCliBench, type CliBench } from '../../../test/support/cli-fixture.ts';
import { loadConfig } from '../environment.ts';
import { openWorkbench } from '../../core/workbench.ts';
import { trafficBucketOf } from '../../model/traffic.ts';

let cli: CliBench;
beforeEach(async () => void (cli = await openCliBench()));
afterEach(() => cli[Symbol.asyncDispose]());

/** Counts calls as the proxy does, some time ago. */
async function countCalls(operation: string, calls: number, daysAgo: number): Promise<void> {
  const { store, clock, close } = await openWorkbench(loadConfig().config);
  const atMs = clock.now() - daysAgo * 86_400_000;
  const how = { connectionId: undefined, route: 'key', outcome: '2xx', totalMs: 1 } as const;
  const when = { bucketStartMs: trafficBucketOf(atMs), lastAtMs: atMs, lastError: undefined };
  await store.traffic.add([{ operation, calls, ...how, ...when }]);
  await close();
}

describe('scopes', () => {
  it.each([
    ['a log that is not there', ['--log', 'nowhere.log'], 'nowhere.log cannot be read (ENOENT)'],
    ['a folder that is not there', ['--source', 'nowhere'], 'nowhere cannot be read (ENOENT)'],
    ['no number of days', ['--days', 'many'], 'whole number from 1 to 3650'],
  ])('names %s', async (_what, args, message) => {
    const { code, stderr } = await cli.run('scopes', ...args);
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
  });

  it.each([
    [
      'a log in a form that it does not know',
      'x.log',
      '!get|/api/events\n',
      '--log',
      'hold no method and path',
    ],
    [
      'code that may be the application’s own',
      'app.php',
      'class KlaviyoPlugin {}\n$view->renderTemplate("a");',
      '--source',
      'by the same name',
    ],
    [
      'code without Klaviyo',
      'app.rb',
      'puts 1',
      '--source',
      'No call of Klaviyo’s API was recognised',
    ],
  ])('recommends nothing and fails on %s', async (_what, file, text, flag, words) => {
    await cli.write(file, text);
    const { code, stdout, stderr } = await cli.run('scopes', flag, file);
    expect(code).toBe(1);
    expect(stdout).toContain(words);
    expect(stdout).not.toContain('KLAVIYO_SCOPES');
    expect(stderr).toContain('--host names a host of yours');
    expect((await cli.run('scopes', flag, file, '--json')).json).toMatchObject([{ scopes: [] }]);
  });

  it('recommends nothing before any call went through Keyshift', async () => {
    const { code, stdout } = await cli.run('scopes');
    expect([code, stdout]).toEqual([1, expect.stringContaining('no scopes are recommended')]);
  });

  it('reads what the proxy counted, of the days that are asked about', async () => {
    await countCalls('get_profiles', 40, 1);
    await countCalls('get_flows', 2, 60);
    await countCalls('unknown', 3, 1);
    const { code, json } = await cli.run('scopes', '--with', 'accounts:read lists:read', '--json');
    expect(code).toBe(2); // The unknown calls are for a person to look at.
    expect(json).toMatchObject([
      {
        scopes: ['accounts:read', 'profiles:read'],
        questions: [{ kind: 'unknown', count: 3 }],
        forecast: {
          missing: ['profiles:read'],
          unused: ['lists:read'],
          calls: 40,
          refused_calls: 40,
          refused: [{ operation: 'get_profiles', lacking: ['profiles:read'] }],
        },
      },
    ]);
    const all = await cli.run('scopes', '--days', '90', '--json');
    expect(all.json).toMatchObject([{ scopes: ['accounts:read', 'flows:read', 'profiles:read'] }]);
  });

  it('says which client-side calls have to move, and what it cannot tell', async () => {
    await cli.write('shop.js', "fetch('https://a.klaviyo.com/client/events', { method: 'POST' })");
    await cli.write('access.log', '"GET /api/v2/lists HTTP/1.1" 200\n');
    const { code, stdout } = await cli.run('scopes', '--source', 'shop.js', '--log', 'access.log');
    expect(code).toBe(2);
    expect(stdout).toContain('move them to the server');
    expect(stdout).toMatch(/create_client_event .* shop\.js:1/);
    expect(stdout).toContain('GET /api/v2/lists: an API that Klaviyo has retired');
  });
});
