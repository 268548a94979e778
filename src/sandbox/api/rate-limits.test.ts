import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  appTwo,
  startTestSandbox,
  type TestSandbox,
} from '../../../test/support/sandbox-client.ts';

let test: TestSandbox;
beforeEach(async () => {
  test = await startTestSandbox({ limits: true });
});
afterEach(() => test.sandbox.close());

/** One call a second, which the burst limit of `/api/accounts` allows. */
async function callAccounts(times: number, credential: string) {
  const statuses: number[] = [];
  for (let index = 0; index < times; index++) {
    statuses.push((await test.get('/api/accounts', credential)).status);
    await test.clock.advance(1_000);
  }
  return statuses;
}
const fifteen = Array.from({ length: 15 }, () => 200);

describe('the limits of /api/accounts: 1 a second, 15 a minute', () => {
  it('lets 15 calls of a minute through and answers the 16th 429 with Retry-After', async () => {
    expect(await callAccounts(15, 'pk_alphafull')).toEqual(fifteen);
    const refused = await test.get('/api/accounts');
    expect(refused.status).toBe(429);
    expect(refused.at('errors.0.code')).toBe('throttled');
    expect(refused.headers.get('retry-after')).toBe('45');
    expect(refused.headers.has('ratelimit-limit')).toBe(false);
    await test.clock.advance(44_000);
    expect((await test.get('/api/accounts')).status).toBe(429);
    await test.clock.advance(1_000);
    expect((await test.get('/api/accounts')).status).toBe(200);
  });

  it('lets one call of a second through', async () => {
    const first = await test.get('/api/accounts');
    expect(first.headers.get('ratelimit-limit')).toBe('1, 1;w=1, 15;w=60');
    expect(first.headers.get('ratelimit-remaining')).toBe('0');
    expect(first.headers.get('ratelimit-reset')).toBe('1');
    const second = await test.get('/api/accounts');
    expect([second.status, second.headers.get('retry-after')]).toEqual([429, '1']);
    await test.clock.advance(1_000);
    expect((await test.get('/api/accounts')).status).toBe(200);
  });

  it('counts an app apart from the keys, other apps and other accounts', async () => {
    const one = (await test.install('AAA111')).access_token;
    const two = (await test.install('AAA111', appTwo)).access_token;
    const elsewhere = (await test.install('BBB222')).access_token;
    for (const credential of ['pk_alphafull', one, two, elsewhere, 'pk_betafull']) {
      expect((await test.get('/api/accounts', credential)).status).toBe(200);
      expect((await test.get('/api/accounts', credential)).status).toBe(429);
    }
  });

  it('counts all keys of an account as one', async () => {
    expect((await test.get('/api/accounts', 'pk_alphafull')).status).toBe(200);
    expect((await test.get('/api/accounts', 'pk_alphareader')).status).toBe(429);
  });

  it('gives a refreshed token no new quota', async () => {
    const pair = await test.install('AAA111');
    expect(await callAccounts(15, pair.access_token)).toEqual(fifteen);
    const again = (await test.refresh(pair.refresh_token)).text('access_token');
    expect((await test.get('/api/accounts', again)).status).toBe(429);
  });

  it('counts nothing that is refused before: 401, 400 and 403', async () => {
    const { access_token } = await test.install('AAA111');
    await test.request('/api/accounts');
    await test.request('/api/accounts', {
      headers: { authorization: 'Klaviyo-API-Key pk_alphafull' },
    });
    expect((await test.get('/api/accounts', 'pk_alphametrics')).status).toBe(403);
    expect((await test.get('/api/accounts', 'pk_alphafull')).status).toBe(200);
    expect((await test.get('/api/accounts', access_token)).status).toBe(200);
  });
});

it('counts the windows of each operation apart, the daily one too', async () => {
  for (let index = 0; index < 10; index++) await test.get('/api/metrics');
  expect((await test.get('/api/metrics')).status).toBe(429);
  expect((await test.get('/api/metrics/nobody')).status).toBe(404);
  const daily = await test.api('POST', '/api/segments', 'pk_alphafull');
  expect(daily.headers.get('ratelimit-limit')).toBe('1, 1;w=1, 15;w=60, 100;w=86400');
});
