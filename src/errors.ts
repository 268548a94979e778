export { KeyshiftError, isKeyshiftError } from './errors/keyshift-error.ts';
export type { ErrorBody, KeyshiftErrorOptions } from './errors/keyshift-error.ts';
export { errorTable } from './errors/error-table.ts';
export type { ErrorCode, ErrorEntry } from './errors/error-table.ts';
