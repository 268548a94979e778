/** Where Klaviyo's OAuth endpoints and API are. */
export interface KlaviyoEndpoints {
  readonly authorizeUrl: string;
  readonly tokenUrl: string;
  readonly revokeUrl: string;
  /** Origin of the API, without a trailing slash. */
  readonly apiUrl: string;
}

/**
 * Klaviyo's own. Authorize lives on `www`, token and revoke on `a`: since 2025-03-31 `www` answers
 * those two with an HTML 403 (Klaviyo's OAuth guide).
 */
export const klaviyoEndpoints: KlaviyoEndpoints = {
  authorizeUrl: 'https://www.klaviyo.com/oauth/authorize',
  tokenUrl: 'https://a.klaviyo.com/oauth/token',
  revokeUrl: 'https://a.klaviyo.com/oauth/revoke',
  apiUrl: 'https://a.klaviyo.com',
};

/** The API revision Keyshift is written against, sent where a caller sets none. */
export const klaviyoRevision = '2026-07-15';

/** Where an owner, admin or manager sees and deletes the private keys of an account. */
export const klaviyoApiKeysPage = 'https://www.klaviyo.com/settings/account/api-keys';

/** Where a person signs in to Klaviyo, or sees the account they are in. */
export const klaviyoSignInPage = 'https://www.klaviyo.com/dashboard';
