import { describe, expect, it } from 'vitest';
import { LoginPage } from './login-page.tsx';

const render = (error?: string, csrfToken = 'token-1') =>
  LoginPage({ stylesheetHref: '/assets/0.css', error, csrfToken }).toString();

describe('LoginPage', () => {
  it('ties the error to the field, so that a screen reader tells it', () => {
    const html = render('That password is not right.');
    expect(html).toContain('id="login-error" role="alert">That password is not right.');
    expect(html).toMatch(
      /<input id="password"[^>]* aria-invalid="true" aria-describedby="login-error"/,
    );
    expect(html).toContain('<title>Error: sign in · Keyshift</title>');
  });

  it('escapes error and token', () => {
    const html = render('<script>alert(1)</script>', '"><script>alert(2)</script>');
    expect(html).not.toContain('<script');
  });

  it('marks nothing as wrong at first', () => {
    expect(render()).not.toMatch(/aria-invalid|role="alert"/);
  });

  it('posts password and token to the console, and never fills the password in', () => {
    const html = render();
    expect(html).toContain('<form method="post" action="/console/login">');
    expect(html).toContain('<input type="hidden" name="csrf_token" value="token-1"/>');
    expect(html).toContain('<label for="password">');
    expect(/<input id="password"[^>]*>/.exec(html)?.[0]).not.toContain('value');
  });

  it('offers no sign-out to somebody who is not signed in', () => {
    expect(render()).not.toContain('/console/logout');
  });
});
