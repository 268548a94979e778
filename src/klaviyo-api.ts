export { createSession } from './klaviyo-sdk/create-session.ts';
export type { SessionOptions } from './klaviyo-sdk/create-session.ts';
export { createTokenStorage } from './klaviyo-sdk/create-token-storage.ts';
export type { KeyshiftTokenStorage } from './klaviyo-sdk/create-token-storage.ts';
export { SdkRequestError } from './klaviyo-sdk/sdk-request-error.ts';
export type {
  CreatedTokens,
  RetrievedTokens,
  SdkRequest,
  SdkResponse,
  SdkSession,
  SdkTokenStorage,
  ShownRequest,
} from './klaviyo-sdk/sdk-types.ts';
