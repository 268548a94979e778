import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const projectRoot = fileURLToPath(new URL('../..', import.meta.url));

/** What a finished process left behind. */
export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A small clone in a temporary directory, with the project's real scripts and a stand-in for npm. */
export interface FakeClone extends Disposable {
  readonly root: string;
  /** Starts `node` on a file of the clone, as the leader of a process group of its own. */
  start(args: readonly string[], env?: Readonly<Record<string, string>>): ChildProcess;
  /** Runs `node` on a file of the clone to its end. */
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Finished>;
  /** The command lines npm and the compiler were given so far. */
  calls(): string[];
  write(path: string, text: string): void;
  exists(path: string): boolean;
}

/** Takes what npm is asked for, and "installs" just enough of it to go on. */
const fakeNpm = `#!/usr/bin/env node
const { appendFileSync, copyFileSync, mkdirSync, writeFileSync, chmodSync } = require('node:fs');
const { join } = require('node:path');
const args = process.argv.slice(2);
appendFileSync(process.env.CALLS, 'npm ' + args.join(' ') + '\\n');
const refuse = (code) => { console.error('npm error code ' + code); process.exit(1); };
const write = (path, text, mode) => {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  if (mode) chmodSync(path, mode);
};
if (process.env.NPM_FAILS) refuse(process.env.NPM_FAILS);
setTimeout(() => {
  if (args[0] === 'ci') {
    const modules = join(process.cwd(), 'node_modules');
    write(join(modules, '.bin', 'tsc'), process.env.FAKE_TSC, 0o755);
    copyFileSync('package-lock.json', join(modules, '.package-lock.json'));
    return;
  }
  const [name, version] = args[1].split('@');
  if (version === process.env.NPM_LACKS) refuse('ETARGET');
  const home = join(args.find((arg) => arg.startsWith('--prefix=')).slice(9), 'node_modules', name);
  const found = version.includes('.') ? version : version + '.99.0';
  write(join(home, 'package.json'), JSON.stringify({ name, version: found }));
  write(join(home, 'bin', 'node'), '#!/bin/sh\\necho v' + found + '\\n', 0o755);
}, 300);
`;

/** "Compiles" by copying: the sources of the fake clone are JavaScript inside. */
const fakeTsc = `#!/usr/bin/env node
const { appendFileSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } = require('node:fs');
appendFileSync(process.env.CALLS, 'tsc ' + process.argv.slice(2).join(' ') + '\\n');
if (readFileSync('src/cli/main.ts', 'utf8').includes('SYNTAX ERROR')) {
  console.log('src/cli/main.ts(1,1): error TS1000: no');
  process.exit(1);
}
mkdirSync('dist/cli', { recursive: true });
copyFileSync('src/cli/main.ts', 'dist/cli/main.js');
`;

const echoMain = `export async function main(argv) {
  console.log(JSON.stringify(argv));
  return argv[0] === 'fail' ? 3 : 0;
}
`;

/** Creates a clone that was never set up; its `src/cli/main.ts` prints its arguments as JSON. */
export function createFakeClone(): FakeClone {
  const root = mkdtempSync(join(tmpdir(), 'keyshift-clone-'));
  for (const name of ['scripts', 'bin']) {
    cpSync(join(projectRoot, name), join(root, name), { recursive: true });
  }
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  write('package.json', '{"type":"module"}');
  write('package-lock.json', '{"packages":{"":{}}}');
  write('tsconfig.json', '{}');
  write('tsconfig.build.json', '{}');
  write('src/cli/main.ts', echoMain);
  write('.fake/npm', fakeNpm);
  chmodSync(join(root, '.fake/npm'), 0o755);
  write('.fake/package.json', '{"type":"commonjs"}');

  const calls = join(root, '.fake', 'calls');
  const baseEnv = {
    PATH: [join(root, '.fake'), dirname(process.execPath), process.env['PATH']].join(delimiter),
    HOME: root,
    CALLS: calls,
    FAKE_TSC: fakeTsc,
  };
  const start: FakeClone['start'] = (args, env = {}) =>
    spawn(process.execPath, args, {
      cwd: root,
      env: { ...baseEnv, ...env },
      stdio: 'pipe',
      detached: true,
    });
  return {
    root,
    start,
    run: (args, env) => finish(start(args, env)),
    calls: () => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : []),
    write,
    exists: (path) => existsSync(join(root, path)),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Waits for a process and gathers what it printed. */
export async function finish(child: ChildProcess): Promise<Finished> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, stdout, stderr };
}
