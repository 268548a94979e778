import { describe, expect, it } from 'vitest';
import { approveConsent, type Fault } from '../../src/sandbox.ts';
import { errorOf, tokensOf } from '../support/answer.ts';
import { expectClear400 } from '../support/expect-clear-400.ts';
import { startFlow, type FlowFixture } from '../support/flow-fixture.ts';

/** A way to spoil a callback: answers the URL that the browser opens, and may change the world. */
type Spoil = (callback: URL, fixture: FlowFixture) => URL;

function withQuery(change: (query: URLSearchParams) => void): Spoil {
  return (callback) => {
    const url = new URL(callback);
    change(url.searchParams);
    return url;
  };
}

function withFault(fault: Fault): Spoil {
  return (callback, { sandbox }) => {
    sandbox.addFault(fault);
    return callback;
  };
}

const token = { path: '/oauth/token' };

/** What is wrong, how, the code of the answer, and words on the page. */
const failures: readonly (readonly [name: string, spoil: Spoil, code: string, page: RegExp])[] = [
  [
    'a missing state',
    withQuery((query) => query.delete('state')),
    'state_invalid',
    /match this sign-in to your browser/,
  ],
  [
    'an empty state',
    withQuery((query) => query.set('state', '')),
    'state_invalid',
    /match this sign-in/,
  ],
  [
    'a state that was never given out',
    withQuery((query) => query.set('state', 'x'.repeat(43))),
    'state_invalid',
    /match this sign-in/,
  ],
  [
    'the state twice',
    withQuery((query) => query.append('state', 'other')),
    'authorization_failed',
    /did not complete/,
  ],
  [
    'a missing code',
    withQuery((query) => query.delete('code')),
    'code_missing',
    /no authorization code/,
  ],
  [
    'an empty code',
    withQuery((query) => query.set('code', '')),
    'code_missing',
    /no authorization/,
  ],
  [
    'the code twice',
    withQuery((query) => query.append('code', 'other')),
    'authorization_failed',
    /did not complete/,
  ],
  [
    'a code that Klaviyo does not know',
    withQuery((query) => query.set('code', 'made-up')),
    'exchange_failed',
    /could not be exchanged/,
  ],
  [
    'a refused consent',
    withQuery((query) => {
      query.delete('code');
      query.set('error', 'access_denied');
    }),
    'authorization_denied',
    /declined/,
  ],
  [
    'an error that Klaviyo names',
    withQuery((query) => {
      query.delete('code');
      query.set('error', 'invalid_scope');
    }),
    'authorization_failed',
    /invalid_scope/,
  ],
  [
    'an error beside a code',
    withQuery((query) => query.set('error', 'server_error')),
    'authorization_failed',
    /did not complete/,
  ],
  [
    'a code that is past its five minutes',
    (callback, { clock }) => {
      clock.skip(6 * 60_000);
      return callback;
    },
    'exchange_failed',
    /could not be exchanged/,
  ],
  [
    'an attempt that is past its ten minutes',
    (callback, { clock }) => {
      clock.skip(11 * 60_000);
      return callback;
    },
    'state_expired',
    /session timed out/,
  ],
  [
    'a token endpoint that fails',
    withFault({ kind: 'status', status: 500, match: token }),
    'exchange_failed',
    /could not be exchanged/,
  ],
  [
    'a token endpoint that is overloaded',
    withFault({ kind: 'status', status: 429, headers: { 'retry-after': '7' }, match: token }),
    'exchange_failed',
    /could not be exchanged/,
  ],
  [
    'a page of the edge in place of tokens, as a 403',
    withFault({ kind: 'html', match: token }),
    'exchange_failed',
    /could not be exchanged/,
  ],
  [
    'a page of the edge in place of tokens, as a 200',
    withFault({ kind: 'html', status: 200, match: token }),
    'exchange_failed',
    /could not be exchanged/,
  ],
  [
    'a token answer that breaks off',
    withFault({ kind: 'truncated', match: token }),
    'exchange_failed',
    /could not be exchanged/,
  ],
  [
    'an empty token answer',
    withFault({ kind: 'empty', match: token }),
    'exchange_failed',
    /could not be exchanged/,
  ],
  [
    'a token answer without tokens',
    withFault({ kind: 'token_reply', omit: ['access_token', 'refresh_token'], match: token }),
    'exchange_failed',
    /could not be exchanged/,
  ],
  [
    'a token answer without a refresh token',
    withFault({ kind: 'token_reply', omit: ['refresh_token'], match: token }),
    'exchange_failed',
    /could not be exchanged/,
  ],
  [
    'a connection that breaks before the code is spent',
    withFault({ kind: 'reset_before', match: token }),
    'exchange_failed',
    /could not be exchanged/,
  ],
  [
    'a connection that breaks after the code is spent',
    withFault({ kind: 'reset_after', match: token }),
    'exchange_failed',
    /could not be exchanged/,
  ],
  [
    'client credentials that Klaviyo refuses',
    withFault({ kind: 'status', status: 401, body: { error: 'invalid_client' }, match: token }),
    'exchange_failed',
    /could not be exchanged/,
  ],
  [
    'a token endpoint that does not answer before the deadline',
    withFault({ kind: 'delay', delayMs: 60_000, match: token }),
    'exchange_failed',
    /could not be exchanged/,
  ],
];

const json = '*/*';

/** Starts and consents in a new browser, spoils the way back, and opens it. */
async function returnSpoiled(fixture: FlowFixture, spoil: Spoil, accept?: string) {
  const browser = fixture.newBrowser(accept);
  const callback = await approveConsent(await browser.start(`${fixture.url}/auth/start`));
  return browser.get(spoil(new URL(callback), fixture).href);
}

describe('GET /auth/callback with something wrong', () => {
  it.each(failures)('answers %s with its own 400 as JSON', async (_name, spoil, code) => {
    await using fixture = await startFlow({ deadlineMs: 400 });
    const answer = await returnSpoiled(fixture, spoil, json);
    expectClear400(answer);
    expect(errorOf(answer).error).toBe(code);
  });

  it.each(failures)('answers %s with a page for a person', async (_name, spoil, _code, page) => {
    await using fixture = await startFlow({ deadlineMs: 400 });
    const answer = await returnSpoiled(fixture, spoil);
    expectClear400(answer);
    expect(answer.headers.get('content-type')).toMatch(/^text\/html/);
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(answer.body).toMatch(page);
  });

  it('gives the token call a deadline of at most 15 seconds', async () => {
    await using fixture = await startFlow();
    await fixture.newBrowser().signIn(`${fixture.url}/auth/start`);
    expect(fixture.calls.map(({ url }) => new URL(url).pathname)).toEqual([
      '/oauth/token',
      '/api/accounts',
    ]);
    for (const { deadlineMs } of fixture.calls) expect(deadlineMs).toBeLessThanOrEqual(15_000);
  });

  it('still answers the tokens when the account cannot be read, as nobody is bound', async () => {
    await using fixture = await startFlow({ deadlineMs: 400 });
    fixture.sandbox.addFault({ kind: 'html', status: 200, match: { path: '/api/accounts' } });
    const answer = await fixture.newBrowser().signIn(`${fixture.url}/auth/start`);
    expect(answer.status).toBe(200);
    tokensOf(answer);
  });
});
