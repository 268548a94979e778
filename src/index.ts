export { createKeyshift } from './core/create-keyshift.ts';
export type { Keyshift } from './core/create-keyshift.ts';
export type { RuntimeOptions } from './core/workbench.ts';
export type { ClientCredentials, KeyshiftConfig, Mode, ServiceToken } from './core/config.ts';
export { readConfig } from './core/read-config.ts';
export type { ReadConfigOptions } from './core/read-config.ts';
export { isKeyshiftError, KeyshiftError } from './errors/keyshift-error.ts';
export type { ErrorCode } from './errors/error-table.ts';
