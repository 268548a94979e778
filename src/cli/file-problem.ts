import { readFile, writeFile } from 'node:fs/promises';
import { KeyshiftError } from '../errors/keyshift-error.ts';

/** A file that cannot be used, as an error with its fix. */
function fileProblem(cause: unknown, path: string, purpose: 'read' | 'written'): KeyshiftError {
  const { code = 'unknown' } = cause as NodeJS.ErrnoException;
  return new KeyshiftError('request_invalid', `${path} cannot be ${purpose} (${code}).`, {
    cause,
    fix: 'Check the path and the permissions of the file.',
  });
}

/** Reads a text file of the person at the terminal. */
export async function readTextFile(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw fileProblem(error, path, 'read');
  });
}

/** Writes a text file that names customers: for its owner alone. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o600 }).catch((error: unknown) => {
    throw fileProblem(error, path, 'written');
  });
}
