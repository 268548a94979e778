import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createFakeClone, type FakeClone } from './fake-clone.ts';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function clone(): FakeClone {
  const fake = createFakeClone();
  onTestFinished(() => fake[Symbol.dispose]());
  return fake;
}

const setup = ['scripts/with-node.mjs', '--build'];
const installing = 'npm ci --include=dev --include=optional --no-audit --no-fund';
const building = 'tsc -b tsconfig.build.json --pretty false';

describe.skipIf(process.platform === 'win32')('set-up of a clone', () => {
  it('shows what npm said and one line with the fix when the packages cannot be had', async () => {
    const fake = clone();
    const { code, stdout, stderr } = await fake.run(setup, { NPM_FAILS: 'ENOTFOUND' });
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain('npm error code ENOTFOUND');
    expect(stderr).toMatch(/^keyshift: npm ci failed, see above\. Fix: .*\n$/m);
    expect(fake.exists('.node/setup.lock')).toBe(false);
  });

  it('starts again where it stopped after a failure', async () => {
    const fake = clone();
    fake.write('src/cli/main.ts', 'SYNTAX ERROR');
    const first = await fake.run(setup);
    expect(first.code).toBe(1);
    expect(first.stderr).toContain('error TS1000');
    fake.write('src/cli/main.ts', 'export const main = () => 0;');
    expect((await fake.run(setup)).code).toBe(0);
    expect(fake.calls()).toEqual([installing, building, building]);
  });

  it('installs and builds once, and nothing when nothing changed', async () => {
    const fake = clone();
    const first = await fake.run(setup);
    expect(first.stderr).toMatch(
      /^keyshift: installing packages … \d+ s\nkeyshift: building … \d+ s\nkeyshift: set-up is complete\n$/,
    );
    const second = await fake.run(setup);
    expect(second.stderr).toBe('keyshift: set-up is complete\n');
    expect(fake.calls()).toEqual([installing, building]);
  });

  it('builds again when a source changes, appears or goes, and not for a test', async () => {
    const fake = clone();
    await fake.run(setup);
    fake.write('src/cli/main.test.ts', 'test');
    await fake.run(setup);
    expect(fake.calls()).toHaveLength(2);
    fake.write('src/cli/other.ts', 'export {};');
    await fake.run(setup);
    expect(fake.calls()).toHaveLength(3);
    rmSync(join(fake.root, 'src/cli/other.ts'));
    await fake.run(setup);
    expect(fake.calls()).toHaveLength(4);
  });

  it('builds again when dist has been removed', async () => {
    const fake = clone();
    await fake.run(setup);
    rmSync(join(fake.root, 'dist'), { recursive: true });
    await fake.run(setup);
    expect(fake.calls()).toEqual([installing, building, building]);
  });

  it('installs again when the lock file asks for other packages', async () => {
    const fake = clone();
    await fake.run(setup);
    await pause(20);
    fake.write('package-lock.json', '{"packages":{"node_modules/x":{"version":"1.0.0"}}}');
    await fake.run(setup);
    expect(fake.calls()).toEqual([installing, building, installing, building]);
  });

  it('takes packages that are there already, unless one is missing or old', async () => {
    const fake = clone();
    const installs = () => fake.calls().filter((call) => call.startsWith('npm')).length;
    await fake.run(setup);
    const lock = { packages: { 'node_modules/x': { version: '2.0.0' } } };
    fake.write('node_modules/.package-lock.json', JSON.stringify(lock));
    await pause(20);
    fake.write('package-lock.json', JSON.stringify(lock));
    await fake.run(setup);
    expect(installs()).toBe(1);

    lock.packages['node_modules/x'].version = '1.0.0';
    fake.write('node_modules/.package-lock.json', JSON.stringify(lock));
    await pause(20);
    lock.packages['node_modules/x'].version = '2.0.0';
    fake.write('package-lock.json', JSON.stringify(lock));
    await fake.run(setup);
    expect(installs()).toBe(2);
  });

  it('needs no build where none is asked for, so that a broken source can be formatted', async () => {
    const fake = clone();
    fake.write('src/cli/main.ts', 'SYNTAX ERROR');
    const program = 'console.log(process.env.PATH)';
    const { code, stdout } = await fake.run(['scripts/with-node.mjs', 'node', '-e', program]);
    expect(code).toBe(0);
    expect(stdout).toContain(join(fake.root, 'node_modules/.bin'));
    expect(fake.calls()).toEqual([installing]);
  });

  it('does the work once when several start at the same time', async () => {
    const fake = clone();
    const runs = await Promise.all([1, 2, 3].map(() => fake.run(setup)));
    expect(runs.map((run) => run.code)).toEqual([0, 0, 0]);
    expect(fake.calls()).toEqual([installing, building]);
  });

  it('takes over from a set-up that was killed', async () => {
    const fake = clone();
    const killed = fake.start(setup);
    await expect.poll(() => fake.calls().length).toBe(1);
    killed.kill('SIGKILL');
    expect(fake.exists('.node/setup.lock')).toBe(true);
    expect((await fake.run(setup)).code).toBe(0);
    expect(fake.exists('.node/setup.lock')).toBe(false);
  });
});
