import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createFakeClone, type FakeClone, type Finished } from './fake-clone.ts';

const load = (path: string) => import(new URL(`../../${path}`, import.meta.url).href);
const { isNewEnough } = (await load('bin/node-version.mjs')) as {
  isNewEnough(version: string): boolean;
};
const { pinnedNode } = (await load('scripts/bootstrap.mjs')) as { pinnedNode: string };

function clone(): FakeClone {
  const fake = createFakeClone();
  onTestFinished(() => fake[Symbol.dispose]());
  return fake;
}

/** Sets up under a Node that is old, and prints the path of the one to go on with. */
function setUpOnOldNode(
  fake: FakeClone,
  env: Record<string, string> = {},
  options: object = {},
): Promise<Finished> {
  // Packages are not what is asked about here.
  fake.write('node_modules/.package-lock.json', '{"packages":{"":{}}}');
  fake.write(
    'ensure.mjs',
    `import { setUp } from './scripts/setup.mjs';
     import { printFailure } from './scripts/progress.mjs';
     try {
       const options = { running: 'v18.20.0', ...JSON.parse(process.argv[2]) };
       console.log(await setUp(options));
     } catch (error) {
       printFailure(error);
       process.exitCode = 1;
     }`,
  );
  return fake.run(['ensure.mjs', JSON.stringify(options)], env);
}

describe('isNewEnough', () => {
  it.each(['v18.20.4', 'v20.20.2', '22.18.99', 'v22.9.0', '9.99.99'])('refuses %s', (version) => {
    expect(isNewEnough(version)).toBe(false);
  });

  it.each(['v22.19.0', '22.20.0', 'v24.0.0', 'v24.21.0', '100.0.0', 'v25.0.0-rc.1'])(
    'takes %s',
    (version) => expect(isNewEnough(version)).toBe(true),
  );

  it('asks for what package.json asks for', () => {
    const path = new URL('../../package.json', import.meta.url);
    const { engines } = JSON.parse(readFileSync(path, 'utf8')) as { engines: { node: string } };
    const { minimumNode } = { minimumNode: engines.node.replace('>=', '') };
    expect(isNewEnough(`${minimumNode}.0`)).toBe(true);
    const [major, minor] = minimumNode.split('.').map(Number) as [number, number];
    expect(isNewEnough(`${major}.${minor - 1}.99`)).toBe(false);
  });
});

describe.skipIf(process.platform === 'win32')('set-up on an old Node', () => {
  it('says in one line what to do when npm is offline, and leaves nothing half-done', async () => {
    const fake = clone();
    const { code, stdout, stderr } = await setUpOnOldNode(fake, { NPM_FAILS: 'ENOTFOUND' });
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(
      /^keyshift: fetching Node .* … failed\nkeyshift: npm could not fetch Node 24\.\d+\.\d+ \(ENOTFOUND\)\. Fix: .*\n$/,
    );
    expect(fake.exists('.node/node_modules')).toBe(false);
    expect(fake.exists('.node/bootstrap.lock')).toBe(false);
  });

  it('says so when there is no npm', async () => {
    const fake = clone();
    const { code, stderr } = await setUpOnOldNode(fake, { PATH: join(fake.root, 'src') });
    expect(code).toBe(1);
    expect(stderr).toMatch(/npm was not found .* Fix: install Node 22\.19\.0 or newer/);
  });

  it('refuses a binary that does not run here', async () => {
    const fake = clone();
    const broken = readFileSync(join(fake.root, '.fake/npm'), 'utf8').replace('echo v', 'exit 1 #');
    fake.write('.fake/npm', broken);
    const { code, stderr } = await setUpOnOldNode(fake);
    expect(code).toBe(1);
    expect(stderr).toContain('does not run on this machine');
    expect(fake.exists('.node/node_modules')).toBe(false);
  });

  it('fetches the pinned version once, then finds it', async () => {
    const fake = clone();
    const first = await setUpOnOldNode(fake);
    expect(first.code).toBe(0);
    expect(first.stderr).toMatch(
      /^keyshift: fetching Node \S+ \(this machine has 18\.20\.0\) … \d+ s\n$/,
    );
    const node = first.stdout.trim();
    expect(node.startsWith(join(fake.root, '.node', 'node_modules'))).toBe(true);
    const second = await setUpOnOldNode(fake);
    expect(second).toMatchObject({ code: 0, stdout: `${node}\n`, stderr: '' });
    expect(fake.calls()).toHaveLength(1);
    expect(fake.calls()[0]).toContain(`@${pinnedNode} `);
  });

  it('fetches once for two processes that start together', async () => {
    const fake = clone();
    const runs = await Promise.all([setUpOnOldNode(fake), setUpOnOldNode(fake)]);
    expect(runs.map((run) => run.code)).toEqual([0, 0]);
    expect(runs[0].stdout).toBe(runs[1].stdout);
    expect(fake.calls()).toHaveLength(1);
  });

  it('takes another version of the same major where the pinned one is not published', async () => {
    const fake = clone();
    const lacking = { NPM_LACKS: pinnedNode };
    expect((await setUpOnOldNode(fake, lacking)).code).toBe(0);
    expect((await setUpOnOldNode(fake, lacking)).code).toBe(0);
    expect(fake.calls().map((call) => /@(\S+)/.exec(call)?.[1])).toEqual([pinnedNode, '24']);
  });

  it('replaces the one it fetched when another version is asked for', async () => {
    const fake = clone();
    await setUpOnOldNode(fake);
    const { code, stdout } = await setUpOnOldNode(fake, {}, { version: '24.99.1' });
    expect(code).toBe(0);
    const home = join(stdout.trim(), '..', '..');
    expect(readFileSync(join(home, 'package.json'), 'utf8')).toContain('24.99.1');
  });
});
