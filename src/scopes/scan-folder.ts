import type { Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { unreadableFile } from './read-lines.ts';

/** A source file that was read. */
export interface SourceFile {
  /** Path below the folder, with slashes. */
  readonly name: string;
  readonly text: string;
}

const installed: ReadonlySet<string> = new Set(
  ['node_modules', 'vendor', 'bower_components', 'coverage'].concat([
    'venv',
    '__pycache__',
    'site-packages',
  ]),
);
/** Folders that hold what a build made, as a rule; now and then somebody's own code. */
const perhapsBuilt: ReadonlySet<string> = new Set([
  'dist',
  'build',
  'out',
  'target',
  'bin',
  'obj',
  'tmp',
  'log',
  'logs',
]);
const endings =
  /\.(?:[cm]?[jt]sx?|vue|svelte|py|rb|erb|rake|php|phtml|go|java|kt|kts|scala|groovy|cs|fs|vb|swift|rs|ex|exs|pl|pm|dart|lua|sh|bash|liquid|ipynb)$/i;
/** Types declare everything that a library has and call nothing. */
const declarations = /\.d\.[cm]?ts$/i;
/** Longer files are bundles, made from what is scanned elsewhere. */
const longestFileBytes = 1024 * 1024;

/**
 * Reads the source files below a folder, or the one file that is named: what is installed, built or
 * hidden is left out, links are not followed. Memory holds one file at a time.
 *
 * @param onLeftOut told each folder and source file that is not read although it may be the
 *   application's own, such as `bin/` or a file of more than a megabyte
 * @throws KeyshiftError `request_invalid` when the folder cannot be read
 */
export async function* readSourceFiles(
  root: string,
  onLeftOut: (name: string) => void = () => undefined,
): AsyncGenerator<SourceFile> {
  const { isFile } = await describe(root);
  if (isFile) {
    yield { name: root, text: await readFile(root, 'utf8') };
    return;
  }
  yield* readBelow(root, root, onLeftOut);
}

async function describe(root: string): Promise<{ readonly isFile: boolean }> {
  try {
    return { isFile: (await stat(root)).isFile() };
  } catch (cause) {
    throw unreadableFile(root, cause);
  }
}

function isSource(entry: Dirent): boolean {
  return (
    entry.isFile() &&
    endings.test(entry.name) &&
    !declarations.test(entry.name) &&
    !entry.name.includes('.min.')
  );
}

async function* readBelow(
  root: string,
  folder: string,
  onLeftOut: (name: string) => void,
): AsyncGenerator<SourceFile> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw unreadableFile(folder, cause);
  });
  const nameOf = (path: string) => relative(root, path).replaceAll('\\', '/');
  for (const entry of entries.sort((one, other) => (one.name < other.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (entry.name.startsWith('.') || installed.has(entry.name)) continue;
      if (perhapsBuilt.has(entry.name)) onLeftOut(`${nameOf(path)}/`);
      else yield* readBelow(root, path, onLeftOut);
    } else if (isSource(entry)) {
      const name = nameOf(path);
      if ((await stat(path)).size > longestFileBytes) {
        onLeftOut(name);
        continue;
      }
      yield { name, text: await readFile(path, 'utf8') };
    }
  }
}
