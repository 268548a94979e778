/**
 * What Klaviyo's SDK (`klaviyo-api`) hands to a session: the fields of an axios request that it
 * sets. Written out here, so that neither the SDK nor axios has to be installed.
 */
export interface SdkRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** Names and values; `undefined`, `null` and `false` stand for absence. */
  headers?: object | undefined;
  readonly params?: unknown;
  readonly data?: unknown;
}

/** The copy of a request that answers and errors carry: without its credential. */
export interface ShownRequest {
  readonly method: string;
  readonly url: string;
  readonly params: unknown;
  readonly headers: Readonly<Record<string, string>>;
  /** The body as text; absent when it was a form, a stream or bytes. */
  readonly data: string | undefined;
}

/** An answer in the form that the SDK reads, which is axios's. */
export interface SdkResponse {
  /** The parsed body; the text itself where it is not JSON. */
  readonly data: unknown;
  readonly status: number;
  readonly statusText: string;
  readonly headers: Record<string, string>;
  /**
   * A {@link ShownRequest}. Not typed as such, because the SDK's type for it holds a class of
   * axios, and this interface has to fit where the SDK expects its own.
   */
  readonly config: never;
}

/** What the SDK calls a `Session`. */
export interface SdkSession {
  applyToRequest(request: SdkRequest): Promise<void> | void;
  requestWithRetry(request: SdkRequest, retried?: boolean): Promise<SdkResponse>;
  refreshAndRetry(error: unknown, retried: boolean): Promise<boolean> | boolean;
}

/** What the SDK's `OAuthApi` reads from a `TokenStorage`. */
export interface RetrievedTokens {
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** What the SDK's `OAuthApi` hands to a `TokenStorage` after an exchange or a refresh. */
export interface CreatedTokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly expiresAt: Date;
}

/** What the SDK calls a `TokenStorage`. */
export interface SdkTokenStorage {
  retrieve(customerIdentifier: string): Promise<RetrievedTokens>;
  save(customerIdentifier: string, tokens: CreatedTokens): Promise<void>;
}
