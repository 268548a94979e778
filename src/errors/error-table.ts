/**
 * What an error is about. A caller that treats several codes alike asks for their kind, never for
 * the beginning of a code or for words in a message:
 *
 * - `config`: a setting or the machine; nothing has been started
 * - `storage`: the database, the keyring or what they hold
 * - `request`: what the caller sent
 * - `auth`: who the caller is
 * - `consent`: an invitation, a sign-in or what it ended with
 * - `connection`: which connection is meant, or its stage
 * - `grant`: the account has no grant that can be used
 * - `key`: the connection has no private key that can be used
 * - `refusal`: Klaviyo decided, and said no
 * - `upstream`: Klaviyo gave no verdict; the same call may succeed later
 * - `internal`: Keyshift itself
 */
export type ErrorKind =
  | 'config'
  | 'storage'
  | 'request'
  | 'auth'
  | 'consent'
  | 'connection'
  | 'grant'
  | 'key'
  | 'refusal'
  | 'upstream'
  | 'internal';

/** What people read about an error code, wherever it appears (HTTP, page, CLI, docs). */
export interface ErrorEntry {
  readonly kind: ErrorKind;
  /** Short headline for pages and the terminal. */
  readonly title: string;
  /** The next step that makes the error go away. */
  readonly fix: string;
  /** HTTP status of a response that carries the code. */
  readonly status: number;
  /** Who can fix it. Decides whether a page shows the fix, and the level in the log. */
  readonly audience: 'customer' | 'developer' | 'operator';
}

/**
 * Every error code of Keyshift, in one table. Codes are stable: integrators match on them.
 *
 * The message of a thrown error says what was wrong in this instance; the table says what the
 * code means in general and how to get past it.
 */
export const errorTable = {
  config_invalid: {
    kind: 'config',
    title: 'A setting is wrong',
    fix: 'Correct the variable that the message names; docs/configuration.md lists every setting.',
    status: 500,
    audience: 'operator',
  },
  port_in_use: {
    kind: 'config',
    title: 'The port is already in use',
    fix: 'Stop the program that uses it, or set PORT (and change REDIRECT_URI to match). On macOS, AirPlay Receiver uses port 5000; turn it off in System Settings → General → AirDrop & Handoff.',
    status: 500,
    audience: 'operator',
  },
  database_unavailable: {
    kind: 'storage',
    title: 'The database is not available',
    fix: 'Check that DATABASE_URL names a database that this process can reach, read and write.',
    status: 503,
    audience: 'operator',
  },
  keyring_mismatch: {
    kind: 'storage',
    title: 'The keyring does not match the database',
    fix: 'Set KEYSHIFT_KEYS to the keys that this database was sealed with.',
    status: 503,
    audience: 'operator',
  },
  seal_invalid: {
    kind: 'storage',
    title: 'A sealed value cannot be opened',
    fix: 'The row was moved or edited, or was sealed with a key that is no longer configured. Restore it from a backup, or ask the customer to consent again.',
    status: 500,
    audience: 'operator',
  },
  audit_broken: {
    kind: 'storage',
    title: 'The audit log is damaged',
    fix: 'Run `keyshift audit verify` to see what is wrong, then restore the tables audit_head and audit_events from a backup.',
    status: 500,
    audience: 'operator',
  },
  request_invalid: {
    kind: 'request',
    title: 'The request is not valid',
    fix: 'Correct what the message names, then send the request again.',
    status: 400,
    audience: 'developer',
  },
  not_found: {
    kind: 'request',
    title: 'Not found',
    fix: 'Check the path and the method.',
    status: 404,
    audience: 'developer',
  },
  unauthenticated: {
    kind: 'auth',
    title: 'Missing or unknown credentials',
    fix: 'Send a valid service token, or sign in.',
    status: 401,
    audience: 'developer',
  },
  too_many_attempts: {
    kind: 'auth',
    title: 'Too many failed attempts',
    fix: 'Wait a minute and try again.',
    status: 429,
    audience: 'developer',
  },
  request_incomplete: {
    kind: 'request',
    title: 'The request body was cut off',
    fix: 'Send the whole request again; the body may pause for at most 30 seconds.',
    status: 408,
    audience: 'developer',
  },
  proxy_busy: {
    kind: 'internal',
    title: 'Too many requests at once',
    fix: 'Wait a second, then send the request again. If this happens often, run more processes.',
    status: 503,
    audience: 'operator',
  },
  authorization_denied: {
    kind: 'consent',
    title: 'You declined the connection',
    fix: 'Nothing has changed. Open the link again when you are ready to approve.',
    status: 400,
    audience: 'customer',
  },
  approval_not_allowed: {
    kind: 'consent',
    title: 'Klaviyo did not let you approve',
    fix: 'Nothing has changed. Ask an owner, admin or manager of the Klaviyo account to open the link.',
    status: 400,
    audience: 'customer',
  },
  authorization_failed: {
    kind: 'consent',
    title: 'Klaviyo did not complete the authorization',
    fix: 'Start again. If it fails a second time, check the scopes and the redirect URL of the app in Klaviyo: both must match.',
    status: 400,
    audience: 'customer',
  },
  state_invalid: {
    kind: 'consent',
    title: 'We couldn’t match this sign-in to your browser',
    fix: 'Start again from the beginning, in the same browser.',
    status: 400,
    audience: 'customer',
  },
  state_expired: {
    kind: 'consent',
    title: 'Your session timed out',
    fix: 'Start again and finish within ten minutes.',
    status: 400,
    audience: 'customer',
  },
  state_reused: {
    kind: 'consent',
    title: 'You’ve already completed this step',
    fix: 'If something is still missing, start again: each attempt works only once.',
    status: 400,
    audience: 'customer',
  },
  code_missing: {
    kind: 'consent',
    title: 'Klaviyo sent no authorization code',
    fix: 'Start again from the beginning.',
    status: 400,
    audience: 'customer',
  },
  exchange_failed: {
    kind: 'consent',
    title: 'The authorization code could not be exchanged',
    fix: 'Start again. An authorization code is valid for five minutes and works only once.',
    status: 400,
    audience: 'customer',
  },
  account_unverified: {
    kind: 'consent',
    title: 'We couldn’t identify the Klaviyo account',
    fix: 'Nothing has changed. Try again in a minute. The app needs the scope accounts:read.',
    status: 400,
    audience: 'customer',
  },
  account_mismatch: {
    kind: 'consent',
    title: 'That’s a different Klaviyo account',
    fix: 'Nothing has changed. Open the link again and choose the account that the page names.',
    status: 400,
    audience: 'customer',
  },
  scope_missing: {
    kind: 'consent',
    title: 'A permission is missing',
    fix: 'Open the link again and approve every permission on the list.',
    status: 400,
    audience: 'customer',
  },
  invitation_invalid: {
    kind: 'consent',
    title: 'This link is not valid',
    fix: 'Check that you copied the whole link, or ask the sender for a new one.',
    status: 404,
    audience: 'customer',
  },
  invitation_revoked: {
    kind: 'consent',
    title: 'This link was revoked',
    fix: 'Look for a newer email with another link, or ask the sender for one.',
    status: 410,
    audience: 'customer',
  },
  invitation_expired: {
    kind: 'consent',
    title: 'This link has expired',
    fix: 'Ask the sender for a new link.',
    status: 410,
    audience: 'customer',
  },
  customer_required: {
    kind: 'consent',
    title: 'The customer cannot be chosen this way',
    fix: 'In production, send each customer an invitation link; ?customer= works only in development.',
    status: 403,
    audience: 'developer',
  },
  refresh_token_rejected: {
    kind: 'request',
    title: 'Klaviyo rejected the refresh token',
    fix: 'The app was uninstalled or the token is wrong: the account has to consent again.',
    status: 400,
    audience: 'developer',
  },
  client_rejected: {
    kind: 'refusal',
    title: 'Klaviyo rejected the client credentials',
    fix: 'Check CLIENT_ID and CLIENT_SECRET against the app in Klaviyo. Customers do not have to do anything.',
    status: 502,
    audience: 'operator',
  },
  grant_not_found: {
    kind: 'grant',
    title: 'No active grant',
    fix: 'The account has not consented yet, or its grant was lost. Send an invitation.',
    status: 404,
    audience: 'developer',
  },
  grant_lost: {
    kind: 'grant',
    title: 'The grant was lost',
    fix: 'The account uninstalled the app or did not use it for 90 days. Invite it to consent again.',
    status: 409,
    audience: 'developer',
  },
  connection_not_found: {
    kind: 'connection',
    title: 'Connection not found',
    fix: 'Check the customer ID or account ID with `keyshift status`.',
    status: 404,
    audience: 'developer',
  },
  key_not_found: {
    kind: 'key',
    title: 'No usable private key',
    fix: 'Import the key first, or cut the connection over to OAuth.',
    status: 404,
    audience: 'developer',
  },
  stage_conflict: {
    kind: 'connection',
    title: 'The connection is at a different stage',
    fix: 'Run `keyshift status` to see its stage and what comes next.',
    status: 409,
    audience: 'operator',
  },
  token_refused: {
    kind: 'refusal',
    title: 'Klaviyo rejects a token it has just issued',
    fix: 'Nothing was disconnected. Wait a minute; if it goes on, check Klaviyo’s status page.',
    status: 502,
    audience: 'operator',
  },
  klaviyo_refused: {
    kind: 'refusal',
    title: 'Klaviyo returned an error',
    fix: 'Look at the status, code and detail of the error; Klaviyo’s support can look up its id.',
    status: 502,
    audience: 'developer',
  },
  upstream_timeout: {
    kind: 'upstream',
    title: 'Klaviyo did not answer in time',
    fix: 'Nothing has changed. Try again in a moment.',
    status: 504,
    audience: 'operator',
  },
  upstream_unreachable: {
    kind: 'upstream',
    title: 'Klaviyo could not be reached',
    fix: 'Check the network and the KLAVIYO_*_URL settings, then try again.',
    status: 502,
    audience: 'operator',
  },
  upstream_unreadable: {
    kind: 'upstream',
    title: 'Klaviyo sent an unreadable answer',
    fix: 'Try again in a moment; if it goes on, check Klaviyo’s status page.',
    status: 502,
    audience: 'operator',
  },
  upstream_unavailable: {
    kind: 'upstream',
    title: 'Klaviyo is not available',
    fix: 'Try again later. Retry-After says when, if Klaviyo gave a time.',
    status: 503,
    audience: 'operator',
  },
  upstream_throttled: {
    kind: 'upstream',
    title: 'Klaviyo is limiting the rate of calls',
    fix: 'Wait for as long as Retry-After says.',
    status: 429,
    audience: 'operator',
  },
  import_invalid: {
    kind: 'request',
    title: 'The file cannot be imported',
    fix: 'The file needs a header line with customer_id and private_key, separated by commas or semicolons.',
    status: 400,
    audience: 'operator',
  },
  internal: {
    kind: 'internal',
    title: 'Something went wrong on our side',
    fix: 'Look for the request ID in the log.',
    status: 500,
    audience: 'operator',
  },
} as const satisfies Record<string, ErrorEntry>;

/** One of the codes in {@link errorTable}. */
export type ErrorCode = keyof typeof errorTable;

/** The codes of one kind, or of several. */
export type ErrorCodeOf<Kind extends ErrorKind> = {
  [Code in ErrorCode]: (typeof errorTable)[Code]['kind'] extends Kind ? Code : never;
}[ErrorCode];
