/** What the primary result codes of SQLite mean for the operator. */
const outages: Readonly<Record<number, string>> = {
  3: 'access is denied',
  5: 'it is locked by another process',
  6: 'it is locked by another process',
  7: 'it is out of memory',
  8: 'the file or its directory is read-only',
  10: 'reading or writing the file failed',
  11: 'the file is damaged',
  13: 'the disk is full',
  14: 'the file cannot be opened',
  15: 'its lock cannot be taken',
  23: 'access is denied',
  26: 'the file is not a SQLite database',
};

/** What errors of the file system and of a closed connection mean. */
const fileOutages: Readonly<Record<string, string>> = {
  EACCES: 'access is denied',
  EPERM: 'access is denied',
  EROFS: 'the file or its directory is read-only',
  EISDIR: 'it is a directory',
  EEXIST: 'a part of its path is not a directory',
  ENOTDIR: 'a part of its path is not a directory',
  ENOSPC: 'the disk is full',
  ERR_INVALID_STATE: 'it is closed',
};

const busy = 5;
const foreignKeyViolation = 787;

/** One sentence, without a full stop, when the error means that the database cannot be used. */
export function describeSqliteOutage(error: unknown): string | undefined {
  const resultCode = resultCodeOf(error);
  if (resultCode !== undefined) return outages[resultCode & 0xff];
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? fileOutages[error.code]
    : undefined;
}

/** Whether another connection holds the lock that the statement needs. */
export function isSqliteBusy(error: unknown): boolean {
  const resultCode = resultCodeOf(error);
  return resultCode !== undefined && (resultCode & 0xff) === busy;
}

/** Whether a row refers to one that does not exist. */
export function isSqliteForeignKeyViolation(error: unknown): boolean {
  return resultCodeOf(error) === foreignKeyViolation;
}

/** Whether a statement names a table that does not exist. */
export function isSqliteMissingTable(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('no such table: ');
}

function resultCodeOf(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode
    : undefined;
}
