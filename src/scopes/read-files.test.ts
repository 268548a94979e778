import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHostCheck } from './call-host.ts';
import { collectSightings } from './collect-sightings.ts';
import { readHar } from './read-har.ts';
import { readFileLines } from './read-lines.ts';

const isKlaviyo = createHostCheck([]);
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'scopes-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function linesOf(file: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of readFileLines(file)) lines.push(line);
  return lines;
}

function har(...calls: readonly (readonly [method: string, url: string])[]): string {
  const headers = [{ name: 'authorization', value: 'Klaviyo-API-Key pk_secret' }];
  const entries = calls.map(([method, url]) => ({ request: { method, url, headers } }));
  return JSON.stringify({ log: { version: '1.2', entries } });
}

describe('readHar', () => {
  it.each([
    ['no JSON', 'GET /api/profiles'],
    ['JSON of another kind', '{"entries":[]}'],
    ['cut off', har(['GET', 'https://a.klaviyo.com/api/lists']).slice(0, -9)],
  ])('refuses a file that is %s, by its name', async (_what, content) => {
    const file = await write('calls.har', content);
    await expect(readHar(file, isKlaviyo)).rejects.toMatchObject({
      code: 'request_invalid',
      message: `${file} is not a HAR file.`,
    });
  });

  it('counts the calls of Klaviyo and keeps nothing else of the file', async () => {
    const file = await write(
      'calls.har',
      har(
        ['GET', 'https://a.klaviyo.com/api/lists?page%5Bcursor%5D=abc'],
        ['GET', 'https://a.klaviyo.com//api/lists/'],
        ['POST', 'https://shop.example/api/events'],
      ),
    );
    const sightings = await readHar(file, isKlaviyo);
    expect(sightings).toMatchObject([{ path: '/api/lists', count: 2, source: 'har' }]);
    expect(JSON.stringify(sightings)).not.toMatch(/pk_secret|abc/);
  });
});

describe('readFileLines', () => {
  it('says which file is not there', async () => {
    const lines = readFileLines(join(folder, 'nowhere.log'));
    await expect(lines.next()).rejects.toMatchObject({
      code: 'request_invalid',
      message: expect.stringContaining('nowhere.log cannot be read (ENOENT)'),
    });
  });

  it('says so when a packed file is damaged', async () => {
    const file = await write('access.log.gz', Buffer.from('not packed'));
    await expect(linesOf(file)).rejects.toMatchObject({
      code: 'request_invalid',
    });
  });

  it('reads packed and plain files alike', async () => {
    const text = 'one\r\ntwo\nthree';
    const plain = await write('access.log', text);
    const packed = await write('access.log.gz', gzipSync(text));
    for (const file of [plain, packed]) {
      expect(await linesOf(file)).toEqual(['one', 'two', 'three']);
    }
  });
});

describe('collectSightings', () => {
  it('adds up code, logs and HAR files', async () => {
    const code = await write('app.rb', 'KlaviyoAPI::Lists.get_lists');
    const log = await write('access.log', '"GET /api/lists HTTP/1.1" 200\n'.repeat(3));
    const file = await write('calls.har', har(['GET', 'https://a.klaviyo.com/api/lists']));
    const sources = { code: [code], logs: [log], hars: [file], hosts: [] };
    const { sightings, ...read } = await collectSightings(sources);
    expect(read).toEqual({ sourceFiles: 1, logLines: 3, unreadLogLines: 0, leftOut: [] });
    expect(sightings.map(({ source, count }) => [source, count])).toEqual([
      ['code', 1],
      ['log', 3],
      ['har', 1],
    ]);
  });

  const scanFolder = (code: string) =>
    collectSightings({ code: [code], logs: [], hars: [], hosts: [] });
  const base = "class KlaviyoClient\n  BASE = 'https://a.klaviyo.com/api/'\nend";

  it.each([
    ['Ruby', 'job.rb', "KlaviyoClient.new.post_request('events/', body)"],
    ['PHP', 'Job.php', '$this->http->postJson("profile-import", $body); // KlaviyoClient'],
    [
      'Java',
      'Job.java',
      'KlaviyoClient c; String url = c.base + "/lists/" + id + "/profiles"; get(url);',
    ],
    ['Python', 'klaviyo_jobs.py', 'self._patch(f"profiles/{id}", data)'],
  ])(
    'joins the base in one file and the short path in another, in %s',
    async (_what, name, text) => {
      await write('base.rb', base);
      await write(name, text);
      const { sightings } = await scanFolder(folder);
      expect(sightings).toMatchObject([{ kind: 'operation', where: `${name}:1` }]);
    },
  );

  it('asks about a short path where nothing tells whose it is', async () => {
    await write('base.rb', base);
    await write('mailchimp.rb', "http.post('lists/', body)");
    const { sightings } = await scanFolder(folder);
    expect(sightings).toMatchObject([{ kind: 'uncertain', path: '/api/lists/', method: 'POST' }]);
  });

  it('says so when the API has an address and no path can be found', async () => {
    await write('base.rb', base);
    const { sightings } = await scanFolder(folder);
    expect(sightings).toMatchObject([{ kind: 'unknown', where: 'base.rb' }]);
  });

  it('names what it leaves out', async () => {
    await mkdir(join(folder, 'bin'));
    await write('bundle.js', 'x'.repeat(1_100_000));
    expect((await scanFolder(folder)).leftOut).toEqual(['bin/', 'bundle.js']);
  });
});
