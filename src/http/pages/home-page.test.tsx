import { describe, expect, it } from 'vitest';
import { HomePage } from './home-page.tsx';

const render = (sandbox: boolean) =>
  HomePage({
    stylesheetHref: '/assets/0.css',
    sandbox,
    baseUrl: 'http://localhost:5000',
    revision: '2026-07-15',
  })
    .toString()
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'");

describe('HomePage', () => {
  it('holds the two commands of Klaviyo’s demo word for word', () => {
    expect(render(true)).toContain(
      `curl -X POST http://localhost:5000/auth/refresh -H "Content-Type: application/json" -d '{"refresh_token": "YOUR_REFRESH_TOKEN"}'`,
    );
    expect(render(true)).toContain(
      'curl -X GET http://localhost:5000/whoami -H "Authorization: Bearer YOUR_ACCESS_TOKEN"',
    );
  });

  it('says whether it talks to the sandbox or to Klaviyo', () => {
    expect(render(true)).toContain('It uses the built-in sandbox');
    expect(render(false)).toContain('It uses Klaviyo');
    expect(render(false)).not.toContain('Sandbox.');
  });

  it('links to what can be opened', () => {
    const links = Array.from(render(true).matchAll(/<a href="([^"]+)"/g), (match) => match[1]);
    expect(links).toEqual(['/auth/start', '/console', '/healthz', '/readyz']);
  });
});
