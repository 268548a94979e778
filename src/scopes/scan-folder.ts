import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { unreadableFile } from './read-lines.ts';

/** A source file that was read. */
export interface SourceFile {
  /** Path below the folder, with slashes. */
  readonly name: string;
  readonly text: string;
}

const leftOut: ReadonlySet<string> = new Set(
  [
    'node_modules',
    'vendor',
    'dist',
    'build',
    'out',
    'target',
    'coverage',
    'bower_components',
  ].concat(['venv', '__pycache__', 'site-packages', 'bin', 'obj', 'tmp', 'log', 'logs']),
);
const endings =
  /\.(?:[cm]?[jt]sx?|vue|svelte|py|rb|erb|rake|php|phtml|go|java|kt|kts|scala|groovy|cs|fs|vb|swift|rs|ex|exs|pl|pm|dart|lua|sh|bash|liquid|ipynb)$/i;
/** Longer files are bundles, made from what is scanned elsewhere. */
const longestFileBytes = 1024 * 1024;

/**
 * Reads the source files below a folder, or the one file that is named: what is installed, built or
 * hidden is left out, links are not followed. Memory holds one file at a time.
 *
 * @throws KeyshiftError `request_invalid` when the folder cannot be read
 */
export async function* readSourceFiles(root: string): AsyncGenerator<SourceFile> {
  const { isFile } = await describe(root);
  if (isFile) {
    yield { name: root, text: await readFile(root, 'utf8') };
    return;
  }
  yield* readBelow(root, root);
}

async function describe(root: string): Promise<{ readonly isFile: boolean }> {
  try {
    return { isFile: (await stat(root)).isFile() };
  } catch (cause) {
    throw unreadableFile(root, cause);
  }
}

async function* readBelow(root: string, folder: string): AsyncGenerator<SourceFile> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw unreadableFile(folder, cause);
  });
  for (const entry of entries.sort((one, other) => (one.name < other.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!entry.name.startsWith('.') && !leftOut.has(entry.name)) {
        yield* readBelow(root, path);
      }
    } else if (entry.isFile() && endings.test(entry.name) && !entry.name.includes('.min.')) {
      if ((await stat(path)).size > longestFileBytes) continue;
      const name = relative(root, path).replaceAll('\\', '/');
      yield { name, text: await readFile(path, 'utf8') };
    }
  }
}
