import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createEnvironmentReader, type Environment } from './environment-reader.ts';
import type { Mode } from './config.ts';
import { readOutreach, requireChannel } from './read-outreach.ts';

const read = (environment: Environment, mode: Mode = 'development') =>
  readOutreach(createEnvironmentReader(environment), mode);

describe('SMTP_URL', () => {
  it.each([
    ['is no URL', 'mail.example.com'],
    ['is of another kind', 'https://user:pass-word@mail.example.com'],
    ['has a user without a password', 'smtp://user@mail.example.com'],
    ['has a path', 'smtp://user:pass-word@mail.example.com/x'],
    ['has an unknown option', 'smtp://user:pass-word@mail.example.com?pool=true'],
    ['has an odd number', 'smtp://user:pass-word@mail.example.com?rate=0'],
    ['has an odd starttls', 'smtp://user:pass-word@mail.example.com?starttls=no'],
    ['has a stray percent sign', 'smtp://user:pass-word%@mail.example.com'],
  ])('that %s is one error that names it and shows nothing of it', (_name, value) => {
    const error = (() => {
      try {
        return read({ SMTP_URL: value });
      } catch (cause) {
        return cause;
      }
    })();
    expect(error).toMatchObject({
      code: 'config_invalid',
      message: expect.stringMatching(/^SMTP_URL /) as string,
    });
    expect(inspect(error, { depth: 9 })).not.toContain('pass-word');
  });

  it('is read with its options, and its password does not print', () => {
    const url = 'smtp://user:p%40ss-word@mail.example.com?connections=3&rate=10&starttls=required';
    const { smtp } = read({ SMTP_URL: url });
    expect(smtp).toMatchObject({
      ...{ host: 'mail.example.com', port: 587, secure: false, requireTls: true },
      ...{ user: 'user', connections: 3, ratePerSec: 10 },
    });
    expect(smtp?.password?.reveal()).toBe('p@ss-word');
    expect(JSON.stringify(smtp) + inspect(smtp)).not.toContain('ss-word');
    expect(read({ SMTP_URL: 'smtps://mail.example.com' }).smtp).toMatchObject({
      ...{ port: 465, secure: true, user: undefined, connections: 5 },
    });
  });

  it('sends neither links nor a password in clear in production, except to this machine', () => {
    const requireTls = (url: string) => read({ SMTP_URL: url }, 'production').smtp?.requireTls;
    expect(requireTls('smtp://u:p@mail.example.com')).toBe(true);
    expect(requireTls('smtp://u:p@localhost:25')).toBe(false);
    expect(requireTls('smtp://u:p@mail.example.com?starttls=auto')).toBe(true);
    expect(requireTls('smtp://mail.example.com')).toBe(true);
    expect(requireTls('smtp://mail.example.com?starttls=auto')).toBe(false);
    expect(requireTls('smtp://127.0.0.1:1025')).toBe(false);
  });
});

describe('MAIL_FROM', () => {
  it.each([
    ['Acme Apps <hello@acme.example>', 'Acme Apps', 'hello@acme.example'],
    ['"Acme, Apps" <hello@acme.example>', 'Acme, Apps', 'hello@acme.example'],
    ['hello@acme.example', 'hello@acme.example', 'hello@acme.example'],
    ['<hello@acme.example>', 'hello@acme.example', 'hello@acme.example'],
  ])('%s has a name and an address', (value, name, address) => {
    expect(read({ MAIL_FROM: value }).sender).toEqual({ name, address });
  });

  it.each(['Acme Apps', 'a@b, c@d', 'A <a@b> <c@d>', 'A\u0007 <a@b.example>'])(
    'is not %j',
    (value) => {
      expect(() => read({ MAIL_FROM: value })).toThrow(
        /^MAIL_FROM (is not an email address|contains an invisible character)/,
      );
    },
  );
});

describe('the webhook', () => {
  it('needs both variables, https in production, and a secret that is one', () => {
    const url = 'https://app.example.com/hooks/token';
    expect(read({ WEBHOOK_URL: url }).webhook).toBeUndefined();
    const { webhook } = read({ WEBHOOK_URL: url, WEBHOOK_SECRET: 'x'.repeat(16) });
    expect(webhook?.url.reveal()).toBe(url);
    expect(inspect(webhook) + JSON.stringify(webhook)).not.toMatch(/token|xxxx/);
    expect(() => read({ WEBHOOK_SECRET: 'short' })).toThrow(/^WEBHOOK_SECRET has fewer/);
    expect(() => read({ WEBHOOK_URL: 'http://app.example.com' }, 'production')).toThrow(
      /^WEBHOOK_URL uses plain http/,
    );
  });
});

describe('a channel that is not set up', () => {
  it('is told by the variable that is missing', () => {
    const smtp = { SMTP_URL: 'smtp://mail.example.com' };
    expect(() => requireChannel(read({}), 'mail')).toThrow(/^SMTP_URL is not set/);
    expect(() => requireChannel(read(smtp), 'mail')).toThrow(/^MAIL_FROM is not set/);
    expect(() => requireChannel(read({}), 'webhook')).toThrow(/WEBHOOK_SECRET/);
    expect(() => requireChannel(read({ ...smtp, MAIL_FROM: 'a@b.example' }), 'mail')).not.toThrow();
  });
});
