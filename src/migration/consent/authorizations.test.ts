import { createHash } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { openTestBench } from '../../../test/support/workbench-fixture.ts';
import { createOAuthClient } from '../../oauth/oauth-client.ts';
import { createHttpClient } from '../../runtime/http-client.ts';
import { Secret } from '../../runtime/secret.ts';
import { createAuthorizations } from './authorizations.ts';

const http = createHttpClient();
afterAll(() => http.close());
const redirectUri = 'http://localhost:5000/auth/callback';

async function open() {
  const bench = await openTestBench();
  const oauth = createOAuthClient({
    clientId: 'app-one',
    clientSecret: new Secret('client_secret', 'secret-one'),
    authorizeUrl: 'http://localhost:9/oauth/authorize',
    tokenUrl: 'http://localhost:9/oauth/token',
    revokeUrl: 'http://localhost:9/oauth/revoke',
    http,
    clock: bench.clock,
  });
  const scope = 'accounts:read profiles:read';
  const authorizations = createAuthorizations({ ...bench, oauth, redirectUri, scope });
  return { ...bench, authorizations };
}
const stateOf = (url: string) => new URL(url).searchParams.get('state');

describe('a callback', () => {
  it.each([null, '', 'x', 'a'.repeat(43)])('with the state %j matches no start', async (state) => {
    await using bench = await open();
    await bench.authorizations.start();
    await expect(bench.authorizations.admit(state, () => 'nonce')).rejects.toMatchObject({
      code: 'state_invalid',
    });
  });

  it('from another browser is refused, and does not end the attempt of the right one', async () => {
    await using bench = await open();
    const { url, nonce } = await bench.authorizations.start();
    const state = stateOf(url);
    for (const stolen of [undefined, '', 'another-nonce', `${nonce}x`]) {
      await expect(bench.authorizations.admit(state, () => stolen)).rejects.toMatchObject({
        code: 'state_invalid',
      });
    }
    await expect(bench.authorizations.admit(state, () => nonce)).resolves.toBeDefined();
  });

  it('is admitted once', async () => {
    await using bench = await open();
    const { url, nonce } = await bench.authorizations.start();
    const admit = () => bench.authorizations.admit(stateOf(url), () => nonce);
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, admit));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected')
        expect(outcome.reason).toMatchObject({ code: 'state_reused' });
    }
    await expect(admit()).rejects.toMatchObject({ code: 'state_reused' });
  });

  it('comes too late after ten minutes', async () => {
    await using bench = await open();
    const first = await bench.authorizations.start();
    const second = await bench.authorizations.start();
    expect(first.maxAgeSec).toBe(600);
    await bench.clock.advance(599_999);
    const { admit } = bench.authorizations;
    await expect(admit(stateOf(first.url), () => first.nonce)).resolves.toBeDefined();
    await bench.clock.advance(1);
    await expect(admit(stateOf(second.url), () => second.nonce)).rejects.toMatchObject({
      code: 'state_expired',
    });
  });
});

describe('a start', () => {
  it('makes state, nonce, verifier and cookie anew each time, so that two tabs do not meet', async () => {
    await using bench = await open();
    const [one, two] = [await bench.authorizations.start(), await bench.authorizations.start()];
    expect(one.cookieId).not.toBe(two.cookieId);
    expect(one.nonce).not.toBe(two.nonce);
    expect(stateOf(one.url)).not.toBe(stateOf(two.url));
    for (const { url, nonce, cookieId } of [two, one]) {
      const asked: string[] = [];
      const attempt = await bench.authorizations.admit(stateOf(url), (id) => {
        asked.push(id);
        return nonce;
      });
      expect(asked).toEqual([cookieId]);
      const challenge = createHash('sha256').update(attempt.codeVerifier.reveal());
      expect(new URL(url).searchParams.get('code_challenge')).toBe(challenge.digest('base64url'));
    }
  });

  it('puts neither verifier nor nonce into the URL, and stores neither state nor nonce', async () => {
    await using bench = await open();
    const { url, nonce } = await bench.authorizations.start();
    const state = stateOf(url) ?? '';
    const attempt = await bench.authorizations.admit(state, () => nonce);
    expect(url).not.toContain(nonce);
    expect(url).not.toContain(attempt.codeVerifier.reveal());
    expect(JSON.stringify(attempt)).not.toContain(state);
    expect(JSON.stringify(attempt)).not.toContain(nonce);
  });

  it('binds the attempt to whom it is for, where nothing in the callback can change it', async () => {
    await using bench = await open();
    await bench.add('acme', { stage: 'checked', accountId: 'AAA111' });
    const { invitation } = await bench.invitations.issue(await bench.read('acme'), 1_000, 'cli');
    const { url, nonce } = await bench.authorizations.start({ invitationId: invitation.id });
    const attempt = await bench.authorizations.admit(stateOf(url), () => nonce);
    expect(attempt).toMatchObject({
      invitationId: invitation.id,
      customerId: undefined,
      redirectUri,
      scope: 'accounts:read profiles:read',
    });
  });
});
