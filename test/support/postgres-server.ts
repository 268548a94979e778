/**
 * A PostgreSQL server for one test run, as a process of its own: prints its URL as one line, and
 * ends, with everything it wrote, when its input is closed. That happens however the test run
 * ends: in order, by Ctrl-C or by SIGKILL.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFreePort } from '../../src/runtime/free-port.ts';
import {
  findPostgres,
  reachableBinaries,
  temporaryDirectoryFor,
  unprivilegedUser,
  type UnprivilegedUser,
} from './postgres-binaries.ts';

const settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  // The data dies with the run, so nothing need reach the disk.
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '200',
};

const user = unprivilegedUser();
const directory = mkdtempSync(join(temporaryDirectoryFor(user), 'keyshift-postgres-'));
const password = randomBytes(12).toString('hex');
const passwordFile = join(directory, 'password');
const data = join(directory, 'data');
let running: ChildProcess | undefined;

process.stdin.once('close', () => void end(0)).resume();
// The run that owns this process decides when it ends, by closing its input.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => void end(0));

try {
  const bin = prepare();
  await initialise(bin);
  const port = await start(bin);
  process.stdout.write(`postgres://keyshift:${password}@127.0.0.1:${port}/postgres\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  await end(1);
}

function prepare(): string {
  chmodSync(directory, 0o711);
  const bin = reachableBinaries(findPostgres(), directory, user);
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  mkdirSync(data, { mode: 0o700 });
  for (const path of [passwordFile, data]) give(path, user);
  return bin;
}

function give(path: string, { uid, gid }: UnprivilegedUser): void {
  if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid);
}

async function initialise(bin: string): Promise<void> {
  const child = launch(join(bin, 'initdb'), [
    `--pgdata=${data}`,
    '--username=keyshift',
    `--pwfile=${passwordFile}`,
    '--auth=password',
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
    '--no-instructions',
  ]);
  const output = collect(child);
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`initdb ended with code ${code}:\n${output()}`);
}

async function start(bin: string): Promise<number> {
  let failure = '';
  // Another program can take the port between its choice and its use.
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const port = await findFreePort('127.0.0.1');
    const flags = Object.entries({ ...settings, port: String(port) });
    const child = launch(join(bin, 'postgres'), [
      '-D',
      data,
      ...flags.flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ]);
    const output = collect(child);
    if (await isReady(child, output)) return port;
    failure = output();
  }
  throw new Error(`PostgreSQL does not start:\n${failure}`);
}

function isReady(child: ChildProcess, output: () => string): Promise<boolean> {
  return new Promise((resolve) => {
    child.stderr?.on('data', () => {
      if (output().includes('ready to accept connections')) resolve(true);
    });
    child.once('close', () => resolve(false));
  });
}

function launch(program: string, args: readonly string[]): ChildProcess {
  const env = { ...process.env, LC_ALL: 'C' };
  running = spawn(program, args, {
    ...user,
    env,
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return running;
}

/** Keeps the start of what a child prints, and reads the rest, so that it never waits for us. */
function collect(child: ChildProcess): () => string {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      if (output.length < 10_000) output += chunk;
    });
  }
  return () => output;
}

async function end(code: number): Promise<void> {
  const child = running;
  if (child && child.exitCode === null && child.signalCode === null) {
    child.kill('SIGQUIT');
    await once(child, 'exit');
  }
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  process.exit(code);
}
