import { createHash } from 'node:crypto';
import { afterAll, describe, expect, it, vi } from 'vitest';
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
  const sessionSecret = new Secret('session_secret', 'session-secret-of-the-test-0123456789');
  const authorizations = createAuthorizations({
    ...{ ...bench, oauth, redirectUri, scope, sessionSecret },
  });
  return { ...bench, authorizations };
}
const stateOf = (url: string) => new URL(url).searchParams.get('state');

describe('a callback', () => {
  it.each([null, '', 'x', 'a'.repeat(43), 'a'.repeat(94)])(
    'with the state %j matches no start',
    async (state) => {
      await using bench = await open();
      bench.authorizations.start();
      await expect(bench.authorizations.admit(state, () => 'cookie')).rejects.toMatchObject({
        code: 'state_invalid',
      });
    },
  );

  it('from another browser is refused, and does not end the attempt of the right one', async () => {
    await using bench = await open();
    const { url, cookie } = bench.authorizations.start();
    const state = stateOf(url);
    for (const stolen of [undefined, '', 'another-cookie', `${cookie}x`]) {
      await expect(bench.authorizations.admit(state, () => stolen)).rejects.toMatchObject({
        code: 'state_invalid',
      });
    }
    await expect(bench.authorizations.admit(state, () => cookie)).resolves.toBeDefined();
  });

  it('is admitted once', async () => {
    await using bench = await open();
    const { url, cookie } = bench.authorizations.start();
    const admit = () => bench.authorizations.admit(stateOf(url), () => cookie);
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
    const first = bench.authorizations.start();
    const second = bench.authorizations.start();
    expect(first.maxAgeSec).toBe(600);
    await bench.clock.advance(599_999);
    const { admit } = bench.authorizations;
    await expect(admit(stateOf(first.url), () => first.cookie)).resolves.toBeDefined();
    await bench.clock.advance(1);
    await expect(admit(stateOf(second.url), () => second.cookie)).rejects.toMatchObject({
      code: 'state_expired',
    });
  });
});

describe('whom an attempt is for', () => {
  it('cannot be changed in the cookie, or taken from the cookie of another attempt', async () => {
    await using bench = await open();
    const { start, admit } = bench.authorizations;
    const own = start({ customerId: 'acme' });
    const other = start({ customerId: 'other' });
    const [, signature = ''] = own.cookie.split('.');
    const forged = Buffer.from('{"customerId":"other"}').toString('base64url');
    for (const cookie of [`${forged}.${signature}`, `${forged}.`, `.${signature}`, other.cookie]) {
      await expect(admit(stateOf(own.url), () => cookie)).rejects.toMatchObject({
        code: 'state_invalid',
      });
    }
    await expect(admit(stateOf(own.url), () => own.cookie)).resolves.toMatchObject({
      customerId: 'acme',
    });
  });

  it('cannot be given more time in the state', async () => {
    await using bench = await open();
    const { url, cookie } = bench.authorizations.start();
    const state = stateOf(url) ?? '';
    const later =
      state.slice(0, 43) + (bench.clock.now() + 86_400_000).toString(36) + state.slice(-43);
    expect(later).toHaveLength(state.length);
    await expect(bench.authorizations.admit(later, () => cookie)).rejects.toMatchObject({
      code: 'state_invalid',
    });
  });
});

describe('an attempt that came back', () => {
  it('is recalled by the browser that began it, and by no other', async () => {
    await using bench = await open();
    const { start, admit, recall } = bench.authorizations;
    const { url, cookie } = start({ customerId: 'acme' });
    const { stateHash } = await admit(stateOf(url), () => cookie);
    await bench.store.authorizations.finish(stateHash, 'the end');
    await expect(recall(stateHash, () => cookie)).resolves.toMatchObject({ result: 'the end' });
    for (const stolen of [undefined, '', start().cookie, `${cookie}x`]) {
      await expect(recall(stateHash, () => stolen)).rejects.toMatchObject({
        code: 'state_invalid',
      });
    }
  });
});

describe('a start', () => {
  it('stores nothing, however often', async () => {
    await using bench = await open();
    const transaction = vi.spyOn(bench.store, 'transaction');
    const consume = vi.spyOn(bench.store.authorizations, 'consume');
    for (let count = 0; count < 100; count += 1) bench.authorizations.start();
    expect(await bench.store.authorizations.purge(Number.MAX_SAFE_INTEGER)).toBe(0);
    expect([transaction.mock.calls, consume.mock.calls]).toEqual([[], []]);
  });

  it('makes a verifier of its own each time, in the form that Klaviyo takes', async () => {
    await using bench = await open();
    const verifiers = new Set<string>();
    for (let count = 0; count < 50; count += 1) {
      const { url, cookie } = bench.authorizations.start();
      const attempt = await bench.authorizations.admit(stateOf(url), () => cookie);
      const verifier = attempt.codeVerifier.reveal();
      verifiers.add(verifier);
      expect(verifier).toMatch(/^[a-zA-Z0-9\-._~]{43,128}$/);
      expect(url + cookie).not.toContain(verifier);
    }
    expect(verifiers.size).toBe(50);
  });

  it('makes state, cookie, verifier and cookie anew each time, so that two tabs do not meet', async () => {
    await using bench = await open();
    const [one, two] = [bench.authorizations.start(), bench.authorizations.start()];
    expect(one.stateHash).not.toBe(two.stateHash);
    expect(one.cookie).not.toBe(two.cookie);
    expect(stateOf(one.url)).not.toBe(stateOf(two.url));
    for (const { url, cookie, stateHash } of [two, one]) {
      const asked: string[] = [];
      const attempt = await bench.authorizations.admit(stateOf(url), (hash) => {
        asked.push(hash);
        return cookie;
      });
      expect(asked).toEqual([stateHash]);
      const challenge = createHash('sha256').update(attempt.codeVerifier.reveal());
      expect(new URL(url).searchParams.get('code_challenge')).toBe(challenge.digest('base64url'));
    }
  });

  it('puts neither verifier nor cookie into the URL, and stores neither state nor cookie', async () => {
    await using bench = await open();
    const { url, cookie } = bench.authorizations.start();
    const state = stateOf(url) ?? '';
    const attempt = await bench.authorizations.admit(state, () => cookie);
    expect(url).not.toContain(cookie);
    expect(url).not.toContain(attempt.codeVerifier.reveal());
    expect(JSON.stringify(attempt)).not.toContain(state);
    expect(JSON.stringify(attempt)).not.toContain(cookie);
  });

  it('binds the attempt to whom it is for, where nothing in the callback can change it', async () => {
    await using bench = await open();
    await bench.add('acme', { stage: 'checked', accountId: 'AAA111' });
    const { invitation } = await bench.invitations.issue(await bench.read('acme'), 1_000, 'cli');
    const { url, cookie } = bench.authorizations.start({ invitationId: invitation.id });
    const attempt = await bench.authorizations.admit(stateOf(url), () => cookie);
    expect(attempt).toMatchObject({
      invitationId: invitation.id,
      customerId: undefined,
      redirectUri,
      scope: 'accounts:read profiles:read',
    });
  });
});
