import { createHash, randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, readdirSync, renameSync } from 'node:fs';
import { rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fetchNode, findNode, pinnedNode } from './bootstrap.mjs';
import { cloneRoot, runChild, withNodeFirst } from './child.mjs';
import { SetupError, step } from './progress.mjs';

/**
 * Brings a clone into the state in which its tools run: a Node that is new enough, the packages of
 * package-lock.json and, where asked for, a build of `src` in `dist`. Does only what is missing,
 * costs a few milliseconds when nothing is, and is safe to run from several processes at once.
 *
 * Progress goes to standard error, a line per step.
 *
 * @param {{ build?: boolean, version?: string, running?: string }} [options] `version` and
 *   `running` as {@link findNode} takes them
 * @param {string} [root] the clone's directory
 * @returns {Promise<string>} absolute path of the `node` to go on with
 * @throws {SetupError} when a step fails
 */
export async function setUp({ build = false, ...options } = {}, root = cloneRoot) {
  const { node, missing } = findNode(root, options);
  const isDone = () => hasPackages(root) && (!build || isBuilt(root));
  if (!missing && isDone()) return node;

  await withLock(join(root, '.node', 'setup.lock'), async () => {
    if (findNode(root, options).missing) {
      const { version = pinnedNode, running = process.version } = options;
      const label = `fetching Node ${version} (this machine has ${running.replace(/^v/, '')})`;
      await step(label, () => fetchNode(root, version));
    }
    if (!hasPackages(root)) await installPackages(root, node);
    if (build && !isBuilt(root)) await buildSource(root, node);
  });
  return node;
}

async function installPackages(root, node) {
  // NODE_ENV=production or npm's own settings must not leave out the compiler.
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund'];
  await runStep('installing packages', root, node, 'npm', args, (code) =>
    code === 127
      ? 'npm was not found. Fix: put npm in PATH and run the command again.'
      : 'npm ci failed, see above. Fix: check the network and that package-lock.json fits package.json, then run the command again.',
  );
}

async function buildSource(root, node) {
  // Taken before the build, so that a file saved while it runs leads to another one.
  const sources = describeSources(root);
  const args = ['-b', 'tsconfig.build.json', '--pretty', 'false'];
  await runStep('building', root, node, 'tsc', args, () => {
    return 'the build failed, see above. Fix: correct the errors and run the command again.';
  });
  writeFileSync(join(root, 'dist', '.built'), sources);
}

async function runStep(label, root, node, command, args, explain) {
  await step(label, async () => {
    const options = { cwd: root, env: withNodeFirst(node, root) };
    const { code, output } = await runChild(command, args, options);
    if (code !== 0) throw new SetupError(explain(code), { output });
  });
}

/** Whether `node_modules` holds what package-lock.json asks for, by npm's own record. */
function hasPackages(root) {
  const wanted = join(root, 'package-lock.json');
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  if (statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return true;
  // A newer file need not ask for anything new: a fresh checkout beside kept packages does not.
  const has = readPackages(installed);
  const isThere = ([path, { version, optional }]) =>
    path === '' || (has[path] ? has[path].version === version : optional === true);
  const packages = readPackages(wanted);
  const isSame =
    Object.entries(packages).every(isThere) && Object.keys(has).every((path) => packages[path]);
  if (isSame) utimesSync(installed, new Date(), new Date());
  return isSame;
}

const readPackages = (path) => JSON.parse(readFileSync(path, 'utf8')).packages;

function isBuilt(root) {
  const stamp = join(root, 'dist', '.built');
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === describeSources(root);
}

/** A hash over name, size and time of every file that goes into the build. */
function describeSources(root) {
  const hash = createHash('sha256');
  const names = readdirSync(join(root, 'src'), { recursive: true }).map((name) => `src/${name}`);
  const sources = names.filter((name) => /\.\w+$/.test(name) && !/\.test\.tsx?$/.test(name)).sort();
  for (const name of ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json', ...sources]) {
    const { size, mtimeMs } = statSync(join(root, name));
    hash.update(`${name} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

/**
 * Runs `work` while holding a lock that every process of this clone can see: a file that names its
 * owner. The lock of a process that has died is taken over.
 *
 * @template T
 * @param {string} path
 * @param {() => Promise<T>} work
 * @param {{ pollMs?: number, onWait?: (owner: number) => void }} [options]
 * @returns {Promise<T>}
 */
export async function withLock(path, work, { pollMs = 100, onWait = tellWait } = {}) {
  mkdirSync(dirname(path), { recursive: true });
  const mine = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(mine, String(process.pid));
  try {
    let waitsFor;
    while (!tryLink(mine, path)) {
      const owner = readOwner(path);
      if (owner === undefined) continue;
      if (!isAlive(owner)) takeAway(path, owner, mine);
      else if (waitsFor === undefined) onWait((waitsFor = owner));
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
    try {
      return await work();
    } finally {
      rmSync(path, { force: true });
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

function tellWait(owner) {
  process.stderr.write(`keyshift: waiting for another set-up to finish (process ${owner})\n`);
}

/** A link appears with its content or not at all, and never replaces a file. */
function tryLink(from, to) {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function readOwner(path) {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw new SetupError(
      `the lock ${path} cannot be read (${error.code}). Fix: remove it, if no other set-up runs, and run the command again.`,
    );
  }
}

/** Moves a dead owner's lock aside; puts back what somebody quicker has set in its place. */
function takeAway(path, deadOwner, mine) {
  const aside = `${mine}.aside`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  if (readOwner(aside) !== deadOwner) tryLink(aside, path);
  rmSync(aside, { force: true });
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
