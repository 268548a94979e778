import { afterAll, describe, expect, it } from 'vitest';
import {
  htmlAnswer,
  jsonAnswer,
  startLoopbackServer,
  type Answer,
} from '../../test/support/loopback-server.ts';
import { createManualClock } from '../runtime/clock.ts';
import { createHttpClient } from '../runtime/http-client.ts';
import { Secret } from '../runtime/secret.ts';
import { createOAuthClient } from './oauth-client.ts';

const http = createHttpClient();
afterAll(() => http.close());

const refreshToken = new Secret('refresh_token', 'refresh-token-in-use');
const granted = jsonAnswer(200, { access_token: 'access-token-fresh', token_type: 'bearer' });
const refused = jsonAnswer(401, { error: 'invalid_client' });

/** A client whose secret was regenerated, at a server that answers by the secret it is sent. */
async function open(answers: { readonly current: Answer; readonly previous: Answer }) {
  const server = await startLoopbackServer((response, request) => {
    const credentials = request.headers.authorization?.split(' ')[1] ?? '';
    const secret = Buffer.from(credentials, 'base64').toString().split(':')[1];
    used.push(secret ?? '');
    answers[secret === 'secret-current' ? 'current' : 'previous'](response, request);
  });
  const used: string[] = [];
  const client = createOAuthClient({
    clientId: 'app-one',
    clientSecret: new Secret('client_secret', 'secret-current'),
    previousClientSecret: new Secret('client_secret', 'secret-previous'),
    authorizeUrl: `${server.url}/oauth/authorize`,
    tokenUrl: `${server.url}/oauth/token`,
    revokeUrl: `${server.url}/oauth/revoke`,
    http,
    clock: createManualClock(),
    deadlineMs: 400,
    refreshDeadlineMs: 400,
  });
  return { client, used, [Symbol.asyncDispose]: server[Symbol.asyncDispose] };
}

describe('an app whose secret was regenerated', () => {
  it.each<[string, Answer, string]>([
    ['a dead grant', jsonAnswer(400, { error: 'invalid_grant' }), 'grant_rejected'],
    ['a wrong request', jsonAnswer(400, { error: 'invalid_request' }), 'request_rejected'],
    ['the edge', htmlAnswer(403), 'transient'],
    ['an HTML 401', htmlAnswer(401), 'transient'],
    ['an outage', htmlAnswer(503), 'transient'],
    ['a broken connection', (response) => response.destroy(), 'transient'],
    ['silence', () => undefined, 'transient'],
  ])('spends the refresh token once for %s', async (_name, current, kind) => {
    await using bench = await open({ current, previous: granted });
    expect(await bench.client.refresh(refreshToken)).toMatchObject({ kind });
    expect(bench.used).toEqual(['secret-current']);
  });

  it('is refused when Klaviyo takes neither secret', async () => {
    await using bench = await open({ current: refused, previous: refused });
    expect(await bench.client.refresh(refreshToken)).toMatchObject({ kind: 'client_rejected' });
    expect(bench.used).toEqual(['secret-current', 'secret-previous']);
    await expect(bench.client.revoke(refreshToken)).rejects.toMatchObject({
      code: 'client_rejected',
    });
  });

  it('goes on with the previous secret until Klaviyo takes the new one', async () => {
    const answers = { current: refused, previous: granted };
    await using bench = await open(answers);
    expect(await bench.client.refresh(refreshToken)).toMatchObject({ kind: 'granted' });
    expect(await bench.client.refresh(refreshToken)).toMatchObject({ kind: 'granted' });
    expect(bench.used).toEqual(['secret-current', 'secret-previous', 'secret-previous']);
    Object.assign(answers, { current: granted, previous: refused });
    expect(await bench.client.refresh(refreshToken)).toMatchObject({ kind: 'granted' });
    await bench.client.refresh(refreshToken);
    expect(bench.used.slice(3)).toEqual(['secret-previous', 'secret-current', 'secret-current']);
  });

  it('revokes with whichever secret is taken', async () => {
    await using bench = await open({ current: refused, previous: jsonAnswer(200, {}) });
    await bench.client.revoke(refreshToken);
    expect(bench.used).toEqual(['secret-current', 'secret-previous']);
  });
});

describe('an error text that repeats what it was sent', () => {
  it('is passed on without token and secret', async () => {
    const error_description = 'refresh-token-in-use for secret-current is not known';
    const current = jsonAnswer(400, { error: 'invalid_grant', error_description });
    await using bench = await open({ current, previous: granted });
    const outcome = await bench.client.refresh(refreshToken);
    expect(outcome).toMatchObject({ kind: 'grant_rejected' });
    expect(JSON.stringify(outcome)).toContain('is not known');
    expect(JSON.stringify(outcome)).not.toMatch(/token-in-use|secret-current/);
  });
});
