import { describe, expect, it } from 'vitest';
import { ConnectPage } from '../../http/pages/connect-page.tsx';
import { HandOverPage } from '../../http/pages/hand-over-page.tsx';
import type { PageProps } from '../../http/pages/layout.tsx';
import { UnsubscribePage } from '../../http/pages/unsubscribe-page.tsx';
import { ErrorPage } from '../../http/pages/error-page.tsx';
import { HomePage } from '../../http/pages/home-page.tsx';
import { ResultPage } from '../../http/pages/result-page.tsx';
import { createStylesheet } from '../../http/pages/stylesheet.ts';
import { stages } from '../../model/stages.ts';
import { LoginPage } from './login-page.tsx';
import { StatusPage } from './status-page.tsx';

const stylesheet = createStylesheet();
const page = { stylesheetHref: stylesheet.path, sandbox: true };
const account = { name: 'Harbour', id: 'AbC123' };
const scopes = ['accounts:read', 'events:write'];
const retryHref = '/connect/i-1';
const error = { title: 'T', message: 'M', fix: 'F', code: 'internal', requestId: 'r' } as const;
const row = { customerId: 'c', name: 'n', accountId: 'i', accountName: 'a', route: 'key' } as const;
const result = (outcome: Parameters<typeof ResultPage>[0]['outcome']) =>
  ResultPage({ ...page, integratorName: 'Brightwater', requestId: 'r', outcome }).toString();

const secretAddress = {
  connect: ConnectPage({
    ...page,
    integratorName: 'Brightwater',
    customerName: 'Harbour',
    accountName: 'Harbour',
    scopes,
    startHref: '/go',
    expiresAt: 'tomorrow',
  }).toString(),
  connectUnknown: ConnectPage({ ...page, scopes, startHref: '/go' }).toString(),
  connected: result({ kind: 'connected', account }),
  alreadyConnected: result({ kind: 'already_connected', account }),
  denied: result({ kind: 'denied', retryHref }),
  attemptExpired: result({ kind: 'attempt_expired', retryHref }),
  wrongAccount: result({ kind: 'wrong_account', expected: account, chosen: account, retryHref }),
  permissionMissing: result({ kind: 'permission_missing', missing: scopes, retryHref }),
  linkInvalid: result({ kind: 'link_invalid' }),
  linkExpired: result({ kind: 'link_expired' }),
  unavailable: result({ kind: 'klaviyo_unavailable', retryHref }),
  errorForOperator: ErrorPage({ ...page, ...error, audience: 'operator' }).toString(),
  errorForCustomer: ErrorPage({ ...page, ...error, audience: 'customer', retryHref }).toString(),
};

const publicAddress = {
  home: HomePage({ ...page, baseUrl: 'http://localhost:5000', revision: '2026-07-15' }).toString(),
  login: LoginPage({ ...page, csrfToken: 't' }).toString(),
  loginFailed: LoginPage({ ...page, csrfToken: 't', error: 'No.' }).toString(),
  status: StatusPage({
    ...page,
    counts: stages.map((stage) => ({ stage, count: 1 })),
    rows: stages.map((stage) => ({ ...row, stage, attentionReason: undefined, updatedAtMs: 0 })),
    total: stages.length,
    nextHref: '/console?after=c',
    csrfToken: 't',
  }).toString(),
  statusEmpty: StatusPage({ ...page, counts: [], rows: [], total: 0, csrfToken: 't' }).toString(),
};

const pages = Object.entries({ ...secretAddress, ...publicAddress });

const customerHtml: string[] = [];

describe('every page of a customer', () => {
  const account = { name: 'Harbour', id: 'AbC123' };
  const outcomes = [
    { kind: 'connected', account },
    { kind: 'already_connected', account },
    { kind: 'installed', account },
    { kind: 'denied', retryHref },
    { kind: 'wrong_role', retryHref, handOverHref: '/connect/i-1/administrator' },
    { kind: 'attempt_expired', retryHref },
    { kind: 'wrong_account', expected: account, chosen: account, retryHref },
    { kind: 'permission_missing', missing: scopes, retryHref },
    { kind: 'link_invalid' },
    { kind: 'link_revoked' },
    { kind: 'link_expired' },
    { kind: 'klaviyo_unavailable', retryHref },
  ] as const;
  const link = { link: 'https://x/connect/i-1', backHref: '/connect/i-1', scriptHref: '/a.js' };

  const customerPages = (common: PageProps): Record<string, string> => ({
    ...Object.fromEntries(
      outcomes.map((outcome) => [
        outcome.kind,
        ResultPage({ ...common, requestId: 'r', outcome }).toString(),
      ]),
    ),
    connect: ConnectPage({
      ...{
        ...common,
        customerName: 'Harbour',
        accountName: 'Harbour',
        accountId: 'AbC123',
        scopes,
      },
      ...{ startHref: '/go', handOverHref: '/x', expiresAt: '3' },
    }).toString(),
    connectUnknown: ConnectPage({ ...common, scopes, startHref: '/go' }).toString(),
    handOver: HandOverPage({ ...common, ...link, formAction: '/send' }).toString(),
    handOverSent: HandOverPage({ ...common, ...link, sentTo: 'a@b.example' }).toString(),
    unsubscribe: UnsubscribePage({ ...common, formAction: '/u', done: false }).toString(),
    unsubscribed: UnsubscribePage({ ...common, formAction: '/u', done: true }).toString(),
    errorToMend: ErrorPage({
      ...common,
      ...error,
      code: 'state_invalid',
      audience: 'customer',
    }).toString(),
    error: ErrorPage({ ...common, ...error, audience: 'operator', retryHref }).toString(),
  });
  const common = {
    ...{
      stylesheetHref: '/a.css',
      integratorName: 'Brightwater',
      contact: 'help@brightwater.example',
    },
    logo: 'data:image/png;base64,AAAA',
  };
  const english = customerPages({ ...common, language: 'en' });
  const german = customerPages({ ...common, language: 'de' });

  customerHtml.push(...Object.values(english));

  it.each(Object.keys(english))('%s names the company, its logo and its contact', (name) => {
    for (const html of [english[name]!, german[name]!]) {
      expect(html).toContain('<bdi>Brightwater</bdi>');
      expect(html).toContain('<img class="logo" src="data:image/png;base64,AAAA" alt=""/>');
      expect(html).toContain('href="mailto:help@brightwater.example"');
      expect(html).not.toMatch(/company that sent you|•/);
    }
  });

  it.each(Object.keys(german))('%s is in German from its title to its last word', (name) => {
    const html = german[name]!;
    expect(html).toContain('<html lang="de">');
    expect(html.replace(/<[^>]+>/g, ' ')).not.toMatch(
      /\b(?:the|you|your|is|try|start|again|account|link is|nothing|send)\b/i,
    );
  });

  it('folds away what only few want to read', () => {
    expect(english['connect']!.match(/<details>/g)).toHaveLength(3);
  });

  it('says how to switch accounts in Klaviyo', () => {
    expect(english['wrong_account']).toContain('Open <a href="https://www.klaviyo.com/dashboard">');
    expect(english['wrong_account']).toContain('How to switch accounts');
  });

  it('hands over with a way to copy that is there without a script, too', () => {
    expect(english['handOver']).toContain('readonly="" value="https://x/connect/i-1"');
    expect(english['handOver']).toMatch(/<button type="button" id="copy"[^>]* hidden=""/);
    expect(english['handOver']).toContain('Back to the connection with <bdi>Brightwater</bdi>');
    expect(english['handOverSent']).toMatch(/<title>Sent<\/title>.*<strong>Sent\.<\/strong>/s);
  });
});

describe.each(pages)('the page %s', (_name, html) => {
  it('runs no script and holds no inline style, so that the strict policy holds', () => {
    expect(html).not.toMatch(/<script|<style|<iframe|<[^>]+\s(?:style|on\w+)=|javascript:/i);
  });

  it('loads nothing but the stylesheet and its own icon', () => {
    const loaded = Array.from(html.matchAll(/<(?:link|img|use)[^>]*(?:href|src)="([^"]+)"/g));
    expect(loaded.map((match) => match[1]?.slice(0, 20))).toEqual([
      stylesheet.path.slice(0, 20),
      'data:image/svg+xml,%',
    ]);
  });

  it('has language, viewport, a title, and stays out of search engines', () => {
    expect(html).toMatch(/^<!doctype html><html lang="en"><head>/);
    expect(html).toContain('<meta name="viewport" content="width=device-width, initial-scale=1"/>');
    expect(html).toContain('<meta name="robots" content="noindex, nofollow"/>');
    expect(html.match(/<title>[^<]+<\/title>/g)).toHaveLength(1);
    expect(html.match(/<main>/g)).toHaveLength(1);
  });

  it('has one main heading and skips no level', () => {
    const levels = Array.from(html.matchAll(/<h([1-6])[ >]/g), (match) => Number(match[1]));
    expect(levels.filter((level) => level === 1)).toHaveLength(1);
    expect(levels[0]).toBe(1);
    levels.forEach((level, index) => expect(level - (levels[index - 1] ?? 0)).toBeLessThan(2));
  });

  it('labels every field and refers only to ids that exist, once each', () => {
    const ids = Array.from(html.matchAll(/ id="([^"]+)"/g), (match) => match[1]);
    expect(new Set(ids).size).toBe(ids.length);
    const references = html.matchAll(/ (?:for|aria-labelledby|aria-describedby)="([^"]+)"/g);
    for (const [, id] of references) expect(ids).toContain(id);
    for (const [field] of html.matchAll(/<input(?! type="hidden")[^>]*>/g)) {
      const id = / id="([^"]+)"/.exec(field)?.[1] ?? 'none';
      expect(html).toContain(`<label for="${id}">`);
    }
  });
});

describe('every page', () => {
  it.each(Object.entries(secretAddress))('sends no referrer from %s', (_name, html) => {
    const [policy, link] = ['<meta name="referrer" content="no-referrer"/>', '<link '];
    expect(html).toContain(policy);
    expect(html.indexOf(policy)).toBeLessThan(html.indexOf(link));
  });

  it.each(Object.entries(publicAddress))('keeps the origin checkable on %s', (_name, html) => {
    expect(html).toContain('<meta name="referrer" content="same-origin"/>');
  });

  it('uses only classes that are styled, and styles only classes that are used', () => {
    const used = new Set(
      [...pages.map(([, html]) => html), ...customerHtml].flatMap((html) =>
        Array.from(html.matchAll(/ class="([^"]+)"/g)).flatMap((match) => match[1]?.split(' ')),
      ),
    );
    const selectors = stylesheet.body.replace(/\{[^{}]*\}/g, '{}');
    const styled = new Set(Array.from(selectors.matchAll(/\.([a-z][\w-]*)/g), (match) => match[1]));
    expect([...used].filter((name) => !styled.has(name))).toEqual([]);
    expect([...styled].filter((name) => !used.has(name))).toEqual([]);
  });
});
