import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createFakeClone, finish, type FakeClone } from './fake-clone.ts';

/** Prints its process id and every signal; ends with code 7, 200 ms after the first. */
const patientMain = `export function main(argv) {
  const keepAlive = setInterval(() => {}, 1000);
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {
      console.log('got', signal);
      setTimeout(() => { clearInterval(keepAlive); resolve(7); }, 200);
    });
    console.log('pid', process.pid, ...argv);
  });
}
`;

/** Goes on under the same Node as if another one were needed. */
const relaying = `import { runUnder } from './scripts/child.mjs';
const args = ['bin/keyshift.mjs', ...process.argv.slice(2)];
process.exitCode = await runUnder(process.execPath, process.execPath, args);
`;

async function clone(main?: string): Promise<FakeClone> {
  const fake = createFakeClone();
  onTestFinished(() => fake[Symbol.dispose]());
  if (main) fake.write('src/cli/main.ts', main);
  fake.write('relaying.mjs', relaying);
  await fake.run(['scripts/with-node.mjs', '--build']);
  return fake;
}

async function startAndRead(fake: FakeClone, args: string[], env?: Record<string, string>) {
  const child = fake.start(args, env);
  const finished = finish(child);
  const [line] = (await once(child.stdout!, 'data')) as [string];
  return { child, finished, pid: Number(/pid (\d+)/.exec(line)?.[1]) };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe.skipIf(process.platform === 'win32')('npm run scripts', () => {
  it('run a tool with the arguments it was given and pass its exit code on', async () => {
    const fake = await clone();
    const run = (...args: string[]) => fake.run(['scripts/with-node.mjs', ...args]);
    const program = `console.log(JSON.stringify(process.argv.slice(1))); process.exitCode = 5;`;
    const result = await run('node', '-e', program, '--', 'src/vault', '-t', 'two words');
    expect(result).toMatchObject({
      code: 5,
      stdout: '["src/vault","-t","two words"]\n',
      stderr: '',
    });
    expect((await run('no-such-tool')).code).toBe(127);
  });

  it('set a variable only where the environment has none', async () => {
    const fake = await clone();
    const show = ['scripts/with-node.mjs', 'KILLS=200', 'node', '-p', 'process.env.KILLS'];
    expect((await fake.run(show)).stdout).toBe('200\n');
    expect((await fake.run(show, { KILLS: '5' })).stdout).toBe('5\n');
  });

  it('end when npm is gone, since npm tells only the shell between', async () => {
    const fake = await clone(patientMain);
    const shell = `node bin/keyshift.mjs serve & echo pid $!; wait`;
    const inShell = fake.start(
      [
        '-e',
        // As npm does: it hands a signal only to its shell.
        `const shell = require('child_process').spawn('sh', ['-c', process.argv[1]], {stdio: 'inherit'});
         process.on('SIGTERM', () => shell.kill('SIGTERM'));`,
        shell,
      ],
      { npm_lifecycle_event: 'start' },
    );
    const output = finish(inShell);
    const seen: number[] = [];
    inShell.stdout?.on('data', (text: string) => {
      for (const [, pid] of text.matchAll(/pid (\d+)/g)) seen.push(Number(pid));
    });
    await expect.poll(() => seen.length, { timeout: 10_000 }).toBe(2);
    inShell.kill('SIGTERM');
    await expect.poll(() => isAlive(seen[0]!), { timeout: 5_000 }).toBe(false);
    expect((await output).stdout).toContain('got SIGTERM');
  });
});

describe.skipIf(process.platform === 'win32')('going on under another Node', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'passes %s on once and ends like the child',
    async (signal) => {
      const fake = await clone(patientMain);
      const { child, finished, pid } = await startAndRead(fake, ['relaying.mjs', 'serve']);
      expect(pid).not.toBe(child.pid);
      child.kill(signal);
      const { code, stdout } = await finished;
      expect(code).toBe(7);
      expect(stdout.match(/got/g)).toHaveLength(1);
      expect(stdout).toContain(`got ${signal}`);
      expect(isAlive(pid)).toBe(false);
    },
  );

  it('leaves no child behind when it is killed', async () => {
    const fake = await clone(patientMain);
    const { child, pid } = await startAndRead(fake, ['relaying.mjs', 'serve']);
    child.kill('SIGKILL');
    await expect.poll(() => isAlive(pid), { timeout: 5_000 }).toBe(false);
  });

  it('dies of the signal its child died of', async () => {
    const fake = await clone();
    fake.write('dying.mjs', `process.kill(process.pid, 'SIGKILL');`);
    fake.write(
      'relaying.mjs',
      `import { runUnder } from './scripts/child.mjs'; await runUnder(process.execPath, process.execPath, ['dying.mjs']);`,
    );
    expect(await fake.run(['relaying.mjs'])).toMatchObject({ code: null, signal: 'SIGKILL' });
  });
});

describe.skipIf(process.platform === 'win32')('bin/keyshift.mjs', () => {
  it('sets a fresh clone up on stderr and keeps stdout for the answer', async () => {
    const fake = createFakeClone();
    onTestFinished(() => fake[Symbol.dispose]());
    const { code, stdout, stderr } = await fake.run(['bin/keyshift.mjs', 'fail', '--json']);
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toEqual(['fail', '--json']);
    expect(stderr).toContain('installing packages');
  });

  it('fails with one line and no answer when the set-up fails', async () => {
    const fake = createFakeClone();
    onTestFinished(() => fake[Symbol.dispose]());
    const result = await fake.run(['bin/keyshift.mjs', 'status'], { NPM_FAILS: 'E500' });
    expect(result).toMatchObject({ code: 1, stdout: '' });
    expect(result.stderr).toContain('Fix:');
  });

  it('runs what is installed, without set-up, where there is no source', async () => {
    const fake = await clone();
    const before = fake.calls().length;
    for (const path of ['src', 'node_modules', 'scripts']) {
      rmSync(join(fake.root, path), { recursive: true });
    }
    const result = await fake.run(['bin/keyshift.mjs', 'status']);
    expect(result).toMatchObject({ code: 0, stdout: '["status"]\n', stderr: '' });
    expect(fake.calls()).toHaveLength(before);
  });

  it('hides the warning about SQLite and no other', async () => {
    const fake = await clone(`export function main() {
      process.emitWarning('SQLite is an experimental feature and might change', 'ExperimentalWarning');
      process.emitWarning('something else is experimental', 'ExperimentalWarning');
      return 0;
    }`);
    const { stderr } = await fake.run(['bin/keyshift.mjs', 'status']);
    expect(stderr).not.toContain('SQLite');
    expect(stderr).toContain('something else is experimental');
  });
});
