import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A hash that changes when the packages to install do.
 *
 * @param {string} root the clone's directory
 * @returns {string}
 */
export function dependenciesFingerprint(root) {
  const hash = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')));
  return hash.update(`${process.platform} ${process.arch}`).digest('hex');
}

/**
 * Whether `node_modules` already holds what package-lock.json asks for, by npm's own record of what
 * it installed: a developer who ran `npm install` need not wait for the same packages again.
 *
 * @param {string} root the clone's directory
 * @returns {boolean}
 */
export function hasDependencies(root) {
  const wanted = readPackages(join(root, 'package-lock.json'));
  const installed = readPackages(join(root, 'node_modules', '.package-lock.json'));
  if (!wanted || !installed) return false;
  const differs = ([path, entry]) => {
    if (path === '') return false;
    if (!installed[path]) return entry.optional !== true;
    return installed[path].version !== entry.version || !existsSync(join(root, path));
  };
  return (
    !Object.entries(wanted).some(differs) && Object.keys(installed).every((path) => wanted[path])
  );
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/**
 * A hash over name, size and time of every file that goes into the build. Names are part of it, so
 * that a deleted or renamed file counts too.
 *
 * @param {string} root the clone's directory
 * @returns {string}
 */
export function sourceFingerprint(root) {
  const hash = createHash('sha256');
  for (const name of ['tsconfig.json', 'tsconfig.build.json']) hash.update(describe(root, name));
  visit(root, 'src', (name) => hash.update(describe(root, name)));
  return hash.digest('hex');
}

function describe(root, name) {
  const stats = statSync(join(root, name), { throwIfNoEntry: false });
  return `${name}\0${stats?.size}\0${stats?.mtimeMs}\n`;
}

function visit(root, directory, onFile) {
  const entries = readdirSync(join(root, directory), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = `${directory}/${entry.name}`;
    if (entry.isDirectory()) visit(root, name, onFile);
    else if (!/\.test\.tsx?$/.test(name)) onFile(name);
  }
}

/**
 * Whether `dist` holds a build. The compiler writes its record last.
 *
 * @param {string} root the clone's directory
 * @returns {boolean}
 */
export function hasBuild(root) {
  return existsSync(join(root, 'dist', '.tsbuildinfo'));
}

/**
 * Removes from `dist` what was built from sources that are gone: the compiler leaves it there.
 *
 * @param {string} root the clone's directory
 */
export function removeOrphans(root) {
  const outputs = readdirSync(join(root, 'dist'), { recursive: true });
  for (const output of outputs) {
    const source = /^(.*)\.(?:js|js\.map|d\.ts)$/.exec(output)?.[1];
    if (source === undefined) continue;
    const path = join(root, 'src', source);
    if (existsSync(`${path}.ts`) || existsSync(`${path}.tsx`)) continue;
    rmSync(join(root, 'dist', output), { force: true });
  }
}
