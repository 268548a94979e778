import { describe, expect, it } from 'vitest';
import type { MessageKind } from '../../model/message.ts';
import type { MessageContext } from './message-context.ts';
import { mailLanguages, renderMail } from './render-mail.ts';

const kinds: readonly MessageKind[] = ['invitation', 'reminder', 'hand_over'];

const context = (fields: Partial<MessageContext> = {}): MessageContext => ({
  messageId: 'm1',
  kind: 'invitation',
  recipient: 'ada@acme.example',
  customerId: 'acme',
  customerName: 'Acme Tea',
  email: 'ada@acme.example',
  accountId: 'AbC123',
  accountName: 'Acme Shop',
  labels: {},
  wave: undefined,
  link: 'https://app.example/connect/token',
  unsubscribeLink: 'https://app.example/connect/token/unsubscribe/m1',
  expiresAtMs: Date.parse('2027-03-03T12:00:00Z'),
  ...fields,
});

describe('a mail', () => {
  it.each(mailLanguages.flatMap((language) => kinds.map((kind) => [language, kind] as const)))(
    'in %s as %s has link, last day, account and unsubscribing in text and HTML',
    (language, kind) => {
      const mail = renderMail(context({ kind, labels: { language } }), { name: 'Acme Apps' });
      expect(mail.language).toBe(language);
      expect(mail.subject).toContain('Acme Apps');
      const day = language === 'de' ? '3. März 2027' : '3 March 2027';
      for (const body of [mail.text, mail.html]) {
        expect(body).toContain('https://app.example/connect/token');
        expect(body).toContain('/unsubscribe/m1');
        expect(body).toContain(day);
        expect(body, 'its owner knows the id').toContain('Acme Shop (AbC123)');
      }
    },
  );

  it('names where to get help, where that is set', () => {
    const sender = { name: 'Acme Apps', contact: 'help@acme.example' };
    for (const language of mailLanguages) {
      const mail = renderMail(context({ labels: { language } }), sender);
      expect(mail.text).toMatch(/\? help@acme\.example/);
      expect(mail.html).toContain('? help@acme.example');
    }
  });

  it('makes no link of a name that looks like one', () => {
    const bait = 'Locked! https://evil.example/login or help@evil.example';
    for (const kind of kinds) {
      const { text, html } = renderMail(context({ kind, customerName: bait, accountName: bait }), {
        name: 'Acme Apps',
      });
      for (const body of [text, html]) {
        expect(body).toContain('Locked!');
        expect(body).not.toMatch(/evil\.example|https:\/\/evil|help@evil/);
      }
    }
  });

  it('differs between the languages in every text', () => {
    for (const kind of kinds) {
      const [first, second] = mailLanguages.map((language) =>
        renderMail(context({ kind, labels: { language } }), { name: 'Acme Apps' }),
      );
      expect(first?.subject).not.toBe(second?.subject);
      expect(first?.text).not.toBe(second?.text);
    }
  });

  it.each([
    [{ language: 'de-AT' }, 'de'],
    [{ locale: 'DE_de' }, 'de'],
    [{ lang: 'fr' }, 'en'],
    [{ language: '__proto__' }, 'en'],
    [{}, 'en'],
  ])('by the labels %j is in %s', (labels, language) => {
    expect(renderMail(context({ labels }), { name: 'X' }).language).toBe(language);
  });

  it('takes names from outside as text: no markup, no line of their own', () => {
    const name = '<img src=x onerror=alert(1)>\r\nBcc: a@b\u202e';
    const mail = renderMail(context({ customerName: name, accountName: name }), { name });
    expect(mail.html).not.toContain('<img');
    expect(mail.subject).not.toMatch(/[\r\n\u202e]/);
    expect(mail.text).not.toMatch(/^Bcc:/m);
  });

  it('does without what is not known', () => {
    const fields = { customerName: undefined, accountId: undefined, accountName: undefined };
    for (const kind of kinds) {
      for (const language of mailLanguages) {
        const mail = renderMail(context({ ...fields, kind, labels: { language } }), {
          name: 'Acme Apps',
        });
        expect(mail.text + mail.html).not.toMatch(/undefined|null/);
      }
    }
  });
});
