import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { ConnectPage, type ConnectPageProps } from './connect-page.tsx';

const props: ConnectPageProps = {
  stylesheetHref: '/assets/0.css',
  integratorName: 'Brightwater Reviews',
  customerName: 'Harbour Bakery',
  accountName: 'Harbour Bakery Online',
  accountId: 'AbC123',
  scopes: ['accounts:read', 'profiles:read'],
  startHref: '/connect/i-1/start',
  expiresAt: '3 March 2027',
};

const render = (changes: Partial<ConnectPageProps> = {}) =>
  ConnectPage({ ...props, ...changes }).toString();

/** What a reader sees, without markup. */
const textOf = (html: string) =>
  html
    .replace(/<head>.*<\/head>/s, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ');

describe('ConnectPage', () => {
  it('makes hostile names harmless wherever they stand', () => {
    const hostile = `<script>alert('1')</script>"&\u202Emoc.live`;
    const html = render({
      integratorName: hostile,
      customerName: hostile,
      accountName: hostile,
      accountId: hostile,
      scopes: [hostile],
      expiresAt: hostile,
    });
    expect(html).not.toContain('<script');
    expect(html).not.toContain('\u202E');
    expect(html).toContain('&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&amp;moc.live');
  });

  it('does not let the form’s address break out of its attribute', () => {
    const html = render({ startHref: '/x"><script>alert(1)</script>' });
    expect(html).toContain('href="/x&quot;&gt;&lt;script&gt;');
  });

  it('shows that a name is missing rather than nothing', () => {
    expect(textOf(render({ accountName: '\u202E \u0000' }))).toContain('(no name)');
  });

  it('asks for the account in general while none is known', () => {
    const text = textOf(render({ accountName: undefined, accountId: undefined }));
    expect(text).toContain('Choose the Klaviyo account that you use with Brightwater Reviews');
    expect(text).not.toContain('another account by mistake');
  });

  it('speaks of the sender where the integrator has no name', () => {
    const text = textOf(render({ integratorName: undefined }));
    expect(text).toContain('the company that sent you this link keeps using');
    expect(text).not.toContain('undefined');
  });

  it('does not promise Klaviyo’s address in the sandbox', () => {
    expect(textOf(render({ sandbox: true }))).not.toContain('https://www.klaviyo.com/');
    expect(textOf(render({ sandbox: true }))).toContain('Sandbox.');
    expect(textOf(render())).toContain('https://www.klaviyo.com/');
    expect(textOf(render())).not.toContain('Sandbox.');
  });

  it('leads on by one plain link, and by nothing else', () => {
    const html = render();
    expect(html.match(/<a [^>]*>/g)).toEqual([
      '<a class="button" href="/connect/i-1/start" rel="nofollow">',
    ]);
    expect(html).not.toMatch(/<form|<button/);
  });

  it('says who, why, which account, what is allowed, until when, and how to decline', () => {
    const text = textOf(render());
    for (const part of [
      'Confirm your Klaviyo connection with Brightwater Reviews',
      'connect with OAuth instead of private API keys',
      'Everything keeps working in the meantime',
      'an owner, admin or manager of the account can',
      'Harbour Bakery Online',
      'Account ID AbC123',
      'Read profiles (people) profiles:read',
      'What happens next',
      'How to tell that this is genuine',
      'If you’d rather not',
      'This link is valid until 3 March 2027',
    ]) {
      expect(text).toContain(part);
    }
  });

  it('is one whole document when a route answers with it', async () => {
    const app = new Hono().get('/', (context) => context.html(ConnectPage(props)));
    const response = await app.request('/');
    const html = await response.text();
    expect(response.headers.get('content-type')).toBe('text/html; charset=UTF-8');
    expect(html.startsWith('<!doctype html><html lang="en"><head><meta charset="utf-8"/>')).toBe(
      true,
    );
    expect(html).toBe(render());
  });
});
