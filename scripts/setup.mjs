import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureNode, npmCommand, withNodeFirst } from './bootstrap.mjs';
import {
  dependenciesFingerprint,
  hasDependencies,
  hasBuild,
  removeOrphans,
  sourceFingerprint,
} from './freshness.mjs';

/** The directory of the clone that this file is part of. */
export const cloneRoot = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Brings a clone into the state in which Keyshift runs: a Node that is new enough, the packages of
 * package-lock.json, and a build of `src` in `dist`. Does only what is missing, costs a few
 * milliseconds when nothing is, and is safe to run from several processes at once.
 *
 * Progress goes to stderr, a line per step.
 *
 * @param {string} [root] the clone's directory
 * @returns {Promise<string>} absolute path of the `node` to go on with
 * @throws {import('./progress.mjs').SetupError} when a step fails
 */
export async function setUp(root = cloneRoot) {
  const node = await ensureNode(root);
  if (isDone(root)) return node;

  const { withLock } = await import('./lock.mjs');
  const onWait = () => process.stderr.write('keyshift: waiting for another set-up to finish\n');
  await withLock(join(root, '.node', 'setup.lock'), () => bringUpToDate(root, node), { onWait });
  return node;
}

function isDone(root) {
  const stamp = readStamp(root);
  return (
    stamp.dependencies === dependenciesFingerprint(root) &&
    hasBuild(root) &&
    stamp.build === sourceFingerprint(root)
  );
}

async function bringUpToDate(root, node) {
  const dependencies = dependenciesFingerprint(root);
  if (readStamp(root).dependencies !== dependencies) {
    if (!hasDependencies(root)) await installDependencies(root, node);
    writeStamp(root, { dependencies });
  }
  // Taken before the build, so that a file saved while it runs leads to another one.
  const build = sourceFingerprint(root);
  if (!hasBuild(root) || readStamp(root).build !== build) {
    await buildSource(root, node);
    writeStamp(root, { dependencies, build });
  }
}

async function installDependencies(root, node) {
  const npm = npmCommand(node);
  // NODE_ENV=production or npm's own settings must not leave out the compiler.
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund'];
  await runStep('installing packages', root, node, npm.command, [...npm.args, ...args], (code) =>
    code === 127
      ? 'npm was not found. Fix: put npm in PATH and run the command again.'
      : 'npm ci failed, see above. Fix: check the network and that package-lock.json fits package.json, then run the command again.',
  );
}

async function buildSource(root, node) {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const explain = () =>
    'the build failed, see above. Fix: correct the errors and run the command again.';
  await runStep('building', root, node, node, [tsc, '-p', 'tsconfig.build.json'], explain);
  removeOrphans(root);
}

async function runStep(label, root, node, command, args, explain) {
  const { SetupError, step } = await import('./progress.mjs');
  const { runQuietly } = await import('./run-quietly.mjs');
  const shell = process.platform === 'win32' && command === 'npm';
  await step(label, async () => {
    const options = { cwd: root, env: withNodeFirst(node), shell };
    const { code, output } = await runQuietly(command, args, options);
    if (code !== 0) throw new SetupError(explain(code), { output });
  });
}

/** Lives in node_modules, so that it goes when they go. */
const stampPath = (root) => join(root, 'node_modules', '.keyshift-setup.json');

function readStamp(root) {
  try {
    return JSON.parse(readFileSync(stampPath(root), 'utf8'));
  } catch {
    return {};
  }
}

function writeStamp(root, stamp) {
  const path = stampPath(root);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, JSON.stringify(stamp));
  renameSync(`${path}.new`, path);
}
