import { join } from 'node:path';
import { openKeyshift as open } from '../../dist/core/create-keyshift.js';
import { readConfig } from '../../dist/core/read-config.js';
import { Secret } from '../../dist/runtime/secret.js';

/** A Keyshift over an API at `apiUrl`, with a database of its own in `folder`; `port` is for a server. */
export function openKeyshift({ folder, apiUrl, port }) {
  return open(
    readConfig({
      ...(port === undefined ? {} : { HOST: '127.0.0.1', PORT: String(port) }),
      CLIENT_ID: 'bench-app',
      CLIENT_SECRET: 'bench-secret',
      REDIRECT_URI: 'http://localhost:5999/auth/callback',
      KLAVIYO_SCOPES: 'accounts:read events:read',
      KLAVIYO_AUTHORIZE_URL: `${apiUrl}/oauth/authorize`,
      KLAVIYO_TOKEN_URL: `${apiUrl}/oauth/token`,
      KLAVIYO_REVOKE_URL: `${apiUrl}/oauth/revoke`,
      KLAVIYO_API_URL: apiUrl,
      DATABASE_URL: `sqlite:${join(folder, 'bench.db')}`,
      KEYSHIFT_KEYS: `bench:${Buffer.alloc(32, 1).toString('base64')}`,
      SESSION_SECRET: 'only for this benchmark, in a folder that is removed',
      KEYSHIFT_ADMIN_PASSWORD: 'only-for-this-run',
      KEYSHIFT_SERVICE_TOKENS: 'bench:only-for-this-run-of-a-bench',
      LOG_LEVEL: 'silent',
    }),
  );
}

/** As long as Klaviyo's tokens are. */
export function benchToken(kind, name) {
  return new Secret(kind, `${name}-${'x'.repeat(520)}`);
}

/**
 * Saves a sealed grant for each of `count` accounts.
 *
 * @returns {Promise<string[]>} the account ids
 */
export async function seedGrants(store, clientId, { count, obtainedAtMs, random, note }) {
  const accountIds = Array.from({ length: count }, (_, index) => `A${index}`);
  for (let from = 0; from < count; from += 500) {
    if (from % 20_000 === 0) note?.(`seeding grants: ${from} of ${count}`);
    await store.transaction(async (tx) => {
      for (const accountId of accountIds.slice(from, from + 500)) {
        await tx.grants.saveConsent(
          { clientId, accountId, id: random.id() },
          {
            accessToken: benchToken('access_token', `a-${accountId}`),
            refreshToken: benchToken('refresh_token', `r-${accountId}`),
            scope: 'accounts:read events:read',
            expiresAtMs: obtainedAtMs + 3_600_000,
            obtainedAtMs,
          },
        );
      }
    });
  }
  return accountIds;
}
