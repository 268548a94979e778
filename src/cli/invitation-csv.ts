import { createWriteStream, renameSync, rmSync, statSync, type WriteStream } from 'node:fs';
import { once } from 'node:events';
import { KeyshiftError } from '../errors/keyshift-error.ts';

/** A file of links for the company's own mailer, readable by its owner only. */
export interface InvitationCsv {
  write(row: Readonly<Record<(typeof csvColumns)[number], string>>): Promise<void>;
  /** Puts the file in its place; until then, and after a crash, there is none or the old one. */
  finish(): Promise<void>;
  /** Drops what was written. */
  discard(): void;
}

export const csvColumns = [
  'customer_id',
  'name',
  'email',
  'language',
  'account_id',
  'link',
  'unsubscribe_link',
  'expires_at',
  'wave',
] as const;

/** Columns that anybody's words may stand in; the others are read back by programs. */
const freeText: ReadonlySet<string> = new Set(['name', 'language', 'wave']);

/** Opens the file beside its final place. */
export async function openInvitationCsv(path: string): Promise<InvitationCsv> {
  const draft = `${path}.${process.pid}.part`;
  let failure: Error | undefined;
  let stream: WriteStream | undefined;
  try {
    // Found out before anybody is invited: a file cannot take the place of a folder in the end.
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) {
      throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
    }
    stream = createWriteStream(draft, { mode: 0o600, flags: 'wx' });
    stream.on('error', (error) => (failure = error));
    await once(stream, 'open');
  } catch (cause) {
    throw unwritable(path, cause);
  }
  const file = stream;
  const put = async (line: string) => {
    if (failure) throw unwritable(path, failure);
    if (file.write(line)) return;
    await once(file, 'drain').catch((cause: unknown) => {
      throw unwritable(path, failure ?? cause);
    });
  };
  await put(`${csvColumns.join(',')}\n`);
  return {
    write: (row) =>
      put(`${csvColumns.map((column) => quote(row[column], freeText.has(column))).join(',')}\n`),
    async finish() {
      try {
        file.end();
        if (!file.writableFinished) await once(file, 'finish');
        renameSync(draft, path);
      } catch (cause) {
        throw unwritable(path, failure ?? cause);
      }
    },
    discard() {
      file.destroy();
      rmSync(draft, { force: true });
    },
  };
}

/** What a spreadsheet would take for a formula begins with an apostrophe. */
function quote(value: string, isText: boolean): string {
  const safe = isText && /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",;\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function unwritable(path: string, cause: unknown): KeyshiftError {
  const { code = 'failed' } = cause as NodeJS.ErrnoException;
  return new KeyshiftError('request_invalid', `${path} cannot be written (${code}).`, {
    cause,
    fix: 'Check the folder and its permissions.',
  });
}
