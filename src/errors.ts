export { KeyshiftError, isKeyshiftError, isKind } from './errors/keyshift-error.ts';
export type { ErrorBody, KeyshiftErrorOf, KeyshiftErrorOptions } from './errors/keyshift-error.ts';
export { errorTable } from './errors/error-table.ts';
export type { ErrorCode, ErrorCodeOf, ErrorEntry, ErrorKind } from './errors/error-table.ts';
