import { expect } from 'vitest';
import { checkKeys } from '../../src/migration/import/check-keys.ts';
import { readCustomers } from '../../src/migration/import/customer-file.ts';
import { importCustomers } from '../../src/migration/import/import-customers.ts';
import { approveConsent, type ConsentChoice } from '../../src/sandbox.ts';
import { post, send, tokensOf } from './answer.ts';
import type { FlowFixture } from './flow-fixture.ts';
import { accountOf, connectionOf, invite, keyOf, retireNow } from './migration-steps.ts';
import type { SecretLedger } from './secret-ledger.ts';

/** What a journey tells about beside its answers. */
export interface JourneyObserver {
  readonly ledger: SecretLedger;
  /** Notes what an operator is shown, such as the report of an import. */
  show(text: string): void;
}

/**
 * Everything Keyshift does with secrets, once: a file of keys with mistakes in it, checks,
 * invitations, consents that end well, are declined, come from the wrong account or fail, calls by
 * key, bearer and service token, refreshes, cutover, retirement, disconnection, the console.
 * Answers of Keyshift that hold tokens are answered, so that the caller can leave them out.
 */
export async function playWholeJourney(fixture: FlowFixture, observer: JourneyObserver) {
  await importWithMistakes(fixture, observer);
  await consentInEveryWay(fixture, observer);
  await moveTraffic(fixture, observer);
  await refreshInEveryWay(fixture, observer);
  await visitConsole(fixture, observer);
}

async function importWithMistakes(fixture: FlowFixture, { ledger, show }: JourneyObserver) {
  const { store, machine, clock, random, lookUpAccount } = fixture.keyshift;
  const unknownKey = `pk_${'u'.repeat(17)}${'4'.repeat(17)}`;
  const oddKey = `sk_${'o'.repeat(17)}${'5'.repeat(17)}`;
  for (const key of [unknownKey, oddKey]) ledger.add('private key', key);
  const rows = [
    `acme,${keyOf(fixture, 0)},Acme`,
    `branch,${keyOf(fixture, 0)},Branch`,
    `denies,${keyOf(fixture, 1)},Denies`,
    `confused,${keyOf(fixture, 2)},Confused`,
    `leaves,${keyOf(fixture, 3)},Leaves`,
    `dead,${unknownKey},Dead`,
    `odd,${oddKey},Odd`,
    `${keyOf(fixture, 4)},swapped,Swapped`,
    `acme,${keyOf(fixture, 5)},Twice`,
    `broken,"${keyOf(fixture, 5)}x"y,Broken`,
  ];
  const batch = { store, machine, clock, random, actor: 'cli' };
  const csv = ['customer_id,private_key,name', ...rows].join('\n');
  const report = await importCustomers(readCustomers(csv), batch);
  show(JSON.stringify(report));
  expect(report.verdicts.imported).toBe(6);
  await checkKeys({ ...batch, lookUpAccount, onChecked: (check) => show(JSON.stringify(check)) });
  expect((await connectionOf(fixture, 'dead')).attentionReason).toBe('key_invalid');
}

/** Follows a link to its end, and notes the authorization code. */
async function consent(
  fixture: FlowFixture,
  { ledger }: JourneyObserver,
  link: string,
  choice: ConsentChoice,
) {
  const browser = fixture.newBrowser();
  if (!link.endsWith('/auth/start')) await browser.get(link);
  const start = link.endsWith('/auth/start') ? link : `${link}/start`;
  const callback = await approveConsent(await browser.start(start), choice);
  const code = new URL(callback).searchParams.get('code');
  if (code !== null) ledger.add('authorization code', code);
  return browser.get(callback);
}

async function consentInEveryWay(fixture: FlowFixture, observer: JourneyObserver) {
  const { sandbox } = fixture;
  const links = new Map<string, string>();
  for (const customerId of ['acme', 'denies', 'confused', 'leaves']) {
    links.set(customerId, await invite(fixture, customerId));
  }
  const follow = (customerId: string, choice: ConsentChoice) =>
    consent(fixture, observer, links.get(customerId)!, choice);
  const path = '/oauth/token';
  const account = accountOf(fixture, 0);

  for (const fault of [
    { kind: 'status', status: 500, match: { path } },
    { kind: 'html', match: { path } },
    { kind: 'truncated', match: { path } },
    { kind: 'reset_after', match: { path } },
    { kind: 'html', status: 200, match: { path: '/api/accounts' } },
  ] as const) {
    sandbox.addFault({ ...fault, times: 1 });
    expect((await follow('acme', { account })).status).toBe(400);
  }
  expect((await follow('acme', { account })).status).toBe(200);
  expect((await send(links.get('acme')!)).body).toContain('already connected');

  expect((await follow('denies', { decision: 'deny' })).status).toBe(400);
  expect((await follow('denies', { account: accountOf(fixture, 1) })).status).toBe(200);
  expect((await follow('confused', { account })).status).toBe(400);
  expect((await follow('confused', { account: accountOf(fixture, 2) })).status).toBe(200);
  expect((await follow('leaves', { account: accountOf(fixture, 3) })).status).toBe(200);

  const direct = await consent(fixture, observer, `${fixture.url}/auth/start`, {
    account: accountOf(fixture, 4),
  });
  tokensOf(direct);
}

async function moveTraffic(fixture: FlowFixture, { ledger }: JourneyObserver) {
  const { keyshift, sandbox, secrets, url } = fixture;
  const byKey = (index: number) => ({ authorization: `Klaviyo-API-Key ${keyOf(fixture, index)}` });
  const byService = (target: Record<string, string>) => ({
    authorization: `Bearer ${secrets.serviceToken}`,
    ...target,
  });
  const call = (headers: Record<string, string>) => send(`${url}/api/accounts`, { headers });
  const cutOver = async (customerId: string) =>
    keyshift.cutover.cutOver(await connectionOf(fixture, customerId), 'cli');

  expect((await call(byKey(0))).headers.get('keyshift-route')).toBe('key');
  for (const customerId of ['acme', 'denies', 'confused', 'leaves']) await cutOver(customerId);
  // A route may go unnoticed for less than a second.
  fixture.clock.skip(1_000);
  expect((await call(byKey(0))).headers.get('keyshift-route')).toBe('oauth');
  expect((await call(byService({ 'keyshift-customer': 'acme' }))).status).toBe(200);
  expect((await call(byService({ 'keyshift-account': accountOf(fixture, 4) }))).status).toBe(200);

  const strangeKey = `pk_${'s'.repeat(17)}${'6'.repeat(17)}`;
  ledger.add('private key', strangeKey);
  expect((await call({ authorization: `Klaviyo-API-Key ${strangeKey}` })).status).toBe(401);
  expect((await call(byService({}))).status).toBe(400);
  sandbox.invalidateAccessTokens(accountOf(fixture, 0));
  expect((await call(byKey(0))).status).toBe(200);

  await retireNow(fixture, await connectionOf(fixture, 'denies'));
  expect((await call(byKey(1))).status).toBe(200);
  sandbox.uninstall(accountOf(fixture, 3));
  // Its key is still stored: the call falls back to it.
  expect((await call(byKey(3))).headers.get('keyshift-route')).toBe('key');
  sandbox.uninstall(accountOf(fixture, 1));
  expect((await call(byKey(1))).status).toBe(409);
  const disconnected = await post(
    `${url}/auth/disconnect`,
    { customer: 'confused' },
    { authorization: `Bearer ${secrets.serviceToken}` },
  );
  expect(disconnected.status).toBe(200);
}

async function refreshInEveryWay(fixture: FlowFixture, { ledger }: JourneyObserver) {
  const { keyshift, sandbox, url } = fixture;
  const find = () =>
    keyshift.store.grants.find({ clientId: 'flow-app', accountId: accountOf(fixture, 0) });
  const refresh = (refreshToken: string) =>
    post(`${url}/auth/refresh`, { refresh_token: refreshToken });
  const first = (await find())!.refreshToken.reveal();
  tokensOf(await refresh(first));
  tokensOf(await refresh((await find())!.refreshToken.reveal()));

  const strange = `${'r'.repeat(20)}-${'7'.repeat(20)}`;
  ledger.add('refresh_token', strange);
  expect((await refresh(strange)).status).toBe(400);
  const malformed = await send(`${url}/auth/refresh`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: `{"refresh_token": ${strange}`,
  });
  expect(malformed.status).toBe(400);
  sandbox.addFault({ kind: 'status', status: 503, match: { path: '/oauth/token' }, times: 1 });
  expect((await refresh((await find())!.refreshToken.reveal())).status).toBe(503);

  const authorization = `Bearer ${(await find())!.accessToken.reveal()}`;
  expect((await send(`${url}/whoami`, { headers: { authorization } })).status).toBe(200);
  sandbox.addFault({ kind: 'html', match: { path: '/api/accounts' }, times: 1 });
  expect((await send(`${url}/whoami`, { headers: { authorization } })).status).toBe(502);
}

async function visitConsole({ url, secrets, clock }: FlowFixture, { ledger }: JourneyObserver) {
  const cookies = new Map<string, string>();
  const visit = async (path: string, init: RequestInit = {}) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await send(url + path, { ...init, headers: { cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    return answer;
  };
  const signIn = async (password: string) => {
    const page = await visit('/console/login');
    const csrfToken = /name="csrf_token" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
    const body = new URLSearchParams({ csrf_token: csrfToken, password });
    return visit('/console/login', { method: 'POST', body });
  };
  const wrongPassword = `wrong-${'p'.repeat(20)}`;
  ledger.add('admin_password', wrongPassword);
  expect((await signIn(wrongPassword)).status).toBe(401);
  expect((await signIn(secrets.adminPassword)).status).toBe(303);
  ledger.add('console session', cookies.get('keyshift_session') ?? '');
  clock.skip(1);
  const page = await visit('/console');
  expect(page.status).toBe(200);
  expect(page.body).toContain('acme');
}
