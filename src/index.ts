export type { ApiBody, ApiBodyInit } from './calls/api-body.ts';
export type { ApiHeadersInit, ApiRequestInit } from './calls/api-call.ts';
export type { ApiHeaders, ApiResponse } from './calls/api-response.ts';
export { KlaviyoApiFailure } from './calls/klaviyo-api-failure.ts';
export type { ConnectionHandle, ConnectionTarget } from './client/connections.ts';
export type {
  ClientCredentials,
  CompanySettings,
  KeyshiftConfig,
  Mode,
  ServiceToken,
  ShutdownSettings,
} from './core/config.ts';
export { createKeyshift } from './core/create-keyshift.ts';
export type { Environment } from './core/environment-reader.ts';
export type { GeneratedSecrets } from './core/generated-secrets.ts';
export type { InvitationLink, InvitationLinks } from './core/invitation-links.ts';
export type { Keyshift, Tokens } from './core/keyshift.ts';
export { readConfig } from './core/read-config.ts';
export type { ReadConfigOptions } from './core/read-config.ts';
export type { RuntimeOptions } from './core/workbench.ts';
export type { ErrorCode, ErrorKind } from './errors/error-table.ts';
export { isKeyshiftError, isKind, KeyshiftError } from './errors/keyshift-error.ts';
export type { KlaviyoApiError } from './klaviyo/api-error.ts';
export type { KlaviyoEndpoints } from './klaviyo/endpoints.ts';
export type {
  MailSender,
  OutreachSettings,
  SmtpSettings,
  WebhookSettings,
} from './migration/outreach/settings.ts';
export type { Grant, GrantState, RefreshFailure, TokenPair } from './model/grant.ts';
export type { Clock, Timer } from './runtime/clock.ts';
export type { Logger, LogLevel } from './runtime/logger.ts';
export type { Random } from './runtime/random.ts';
export type { TrustedProxies } from './runtime/request-origin.ts';
export type { Secret, SecretKind } from './runtime/secret.ts';
export type { Durability } from './store/sqlite-session.ts';
export type { PostgresLimits } from './store/postgres-backend.ts';
export type { GrantKey } from './store/grants.ts';
export type { Keyring } from './vault/keyring.ts';
export type { VaultKey } from './vault/vault-key.ts';
