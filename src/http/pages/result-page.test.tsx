import { describe, expect, it } from 'vitest';
import type { ConnectOutcome } from './connect-outcome.ts';
import { ResultPage } from './result-page.tsx';

const account = { name: 'Harbour Bakery Online', id: 'AbC123' };
const retryHref = '/connect/i-1';

const render = (outcome: ConnectOutcome, requestId = 'req-7') =>
  ResultPage({
    stylesheetHref: '/assets/0.css',
    integratorName: 'Brightwater Reviews',
    outcome,
    requestId,
  }).toString();

const textOf = (html: string) =>
  html
    .replace(/<head>.*<\/head>/s, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ');

const retryable = [
  { kind: 'denied' },
  { kind: 'attempt_expired' },
  { kind: 'wrong_account', expected: account, chosen: { name: 'Other', id: 'XyZ789' } },
  { kind: 'permission_missing', missing: ['events:write'] },
  { kind: 'klaviyo_unavailable' },
] as const satisfies readonly ConnectOutcome[];

describe('ResultPage', () => {
  it.each(retryable)('says after $kind that nothing was changed and lets one try again', (it) => {
    const html = render({ ...it, retryHref });
    expect(textOf(html)).toContain('Nothing has changed');
    expect(html).toContain(`<a class="button" href="${retryHref}">`);
    expect(textOf(html)).toContain('mention the request ID req-7');
  });

  it.each(retryable)('points to the link after $kind when only the customer has it', (it) => {
    const html = render(it);
    expect(html).not.toContain('class="button');
    expect(textOf(html)).toContain('reopen the link you were sent');
  });

  it('names the account to choose and the one that was chosen', () => {
    const text = textOf(
      render({
        kind: 'wrong_account',
        expected: account,
        chosen: { name: 'Harbour TEST', id: 'XyZ789' },
      }),
    );
    expect(text).toMatch(/Expected account Harbour Bakery Online Account ID AbC123/);
    expect(text).toMatch(/Account you chose Harbour TEST Account ID XyZ789/);
  });

  it.each<ConnectOutcome>([
    { kind: 'link_revoked' },
    { kind: 'permission_missing', missing: ['events:write'] },
    { kind: 'installed', account },
  ])('begins every sentence with a capital where the integrator has no name ($kind)', (outcome) => {
    const html = ResultPage({ stylesheetHref: '/a.css', outcome, requestId: 'r' }).toString();
    expect(textOf(html)).toContain('The company that sent you this link');
    expect(textOf(html)).not.toMatch(/[.!?] +the company/);
  });

  it('says so when an account has neither name nor id', () => {
    const text = textOf(render({ kind: 'wrong_account', expected: account, chosen: {} }));
    expect(text).toContain('Account you chose unknown');
  });

  it('makes hostile account names harmless', () => {
    const name = `"><img src=x onerror=alert(1)>\u202E`;
    const html = render({ kind: 'wrong_account', expected: { name }, chosen: { name } });
    expect(html).not.toContain('<img');
    expect(html).not.toContain('\u202E');
    expect(html.match(/&quot;&gt;&lt;img src=x/g)).toHaveLength(2);
  });

  it('lists what is missing in plain words', () => {
    const missing = ['events:write'];
    expect(textOf(render({ kind: 'permission_missing', missing }))).toContain(
      'Record events (orders, page views) events:write',
    );
  });

  it.each([{ kind: 'link_invalid' }, { kind: 'link_expired' }] as const)(
    'sends the customer to the sender after $kind, with no button that cannot work',
    (outcome) => {
      const html = render(outcome);
      expect(html).not.toMatch(/class="button/);
      expect(textOf(html)).toMatch(/ask Brightwater Reviews for a new one/i);
    },
  );

  it.each([
    { kind: 'connected', account },
    { kind: 'already_connected', account },
  ] as const)('confirms the account after $kind and asks for nothing more', (outcome) => {
    const text = textOf(render(outcome));
    expect(text).toContain('Connected account Harbour Bakery Online Account ID AbC123');
    expect(text).toContain('You can close this page.');
    expect(text).not.toContain('req-7');
  });
});
