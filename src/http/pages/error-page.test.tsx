import { describe, expect, it } from 'vitest';
import { errorTable, type ErrorCode } from '../../errors/error-table.ts';
import { ErrorPage, type ErrorPageProps } from './error-page.tsx';

const props: ErrorPageProps = {
  stylesheetHref: '/assets/0.css',
  title: errorTable.client_rejected.title,
  message: 'The token endpoint answered 401 invalid_client.',
  fix: errorTable.client_rejected.fix,
  code: 'client_rejected',
  requestId: 'req-7',
  audience: 'operator',
};

const render = (changes: Partial<ErrorPageProps> = {}) =>
  ErrorPage({ ...props, ...changes }).toString();

const codes = Object.keys(errorTable) as ErrorCode[];

describe('ErrorPage', () => {
  it('keeps operators’ matters from customers', () => {
    const html = render();
    expect(html).not.toContain('invalid_client');
    expect(html).not.toContain('CLIENT_SECRET');
    expect(html).toContain('you did nothing wrong');
  });

  it('scrubs what looks like a secret from message and fix', () => {
    const secret = 'pk_0123456789abcdef0123456789abcdef01';
    const html = render({ reader: 'developer', message: `No ${secret}`, fix: `See ${secret}` });
    expect(html).not.toContain(secret);
    expect(html.match(/pk_\[scrubbed\]/g)).toHaveLength(2);
  });

  it('escapes every text it is given', () => {
    const hostile = '</p><script>alert(1)</script>\u202E';
    const html = render({
      reader: 'developer',
      title: hostile,
      message: hostile,
      fix: `${hostile}.`,
      code: hostile,
      requestId: hostile,
      integratorName: hostile,
      retryHref: hostile,
    });
    expect(html).not.toContain('<script');
    expect(html.match(/&lt;script&gt;/g)).toHaveLength(8);
  });

  it('shows a developer message and fix of any error', () => {
    const html = render({ reader: 'developer' });
    expect(html).toContain('The token endpoint answered 401 invalid_client.');
    expect(html).toContain('Check CLIENT_ID and CLIENT_SECRET');
  });

  it('does not say the same thing twice', () => {
    const html = render({ audience: 'customer', message: 'Start again.', fix: 'Start again.' });
    expect(html.match(/Start again\./g)).toHaveLength(1);
  });

  it('offers another try only where there is an address for it', () => {
    expect(render()).not.toContain('<a ');
    expect(render({ retryHref: '/auth/start' })).toContain('href="/auth/start">Try again');
  });

  it.each(codes)('shows %s whole: title, fix, code and request id', (code) => {
    const { title, fix, audience } = errorTable[code];
    const html = render({ reader: 'developer', title, fix, code, audience });
    const text = html.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
    expect(text).toContain(`<title>${title}</title>`);
    expect(text).toContain(`<h1>${title}</h1>`);
    expect(text).toContain(`<p>${fix}</p>`);
    expect(text).toContain(`Error <code>${code}</code>, request <code>req-7</code>`);
  });
});
