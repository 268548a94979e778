import { describe, expect, it } from 'vitest';
import { refuseControl } from './guard-control.ts';

const ask = (
  headers: Record<string, string>,
  { method = 'POST', remoteAddress = '127.0.0.1', remoteControl = false } = {},
) =>
  refuseControl(
    {
      method,
      headers: { host: 'localhost:5001', ...headers },
      remoteAddress,
    },
    remoteControl,
  );

describe('who may control the sandbox', () => {
  it.each([
    ['a page of another origin', { origin: 'https://evil.example' }],
    ['a page without an origin of its own', { origin: 'null' }],
    ['a page on another port of this machine', { origin: 'http://localhost:5000' }],
    ['a form posted from elsewhere', { 'sec-fetch-site': 'cross-site' }],
    ['a name that was made to point here', { host: 'evil.example:5001' }],
    ['no host at all', { host: '' }],
  ])('not %s', (_, headers) => {
    expect(ask(headers)).toBeDefined();
    expect(ask(headers, { remoteControl: true })).toBeDefined();
  });

  it('not another machine, unless it is let', () => {
    const remoteAddress = '192.0.2.7';
    const headers = { host: '192.0.2.1:5001' };
    expect(ask(headers, { remoteAddress })).toBeDefined();
    expect(ask(headers, { remoteAddress, remoteControl: true })).toBeUndefined();
  });

  it.each([
    ['curl', {}],
    ['the page of the sandbox itself', { origin: 'http://localhost:5001' }],
    ['an address', { host: '127.0.0.1:5001' }],
    ['an IPv6 address', { host: '[::1]:5001' }],
    ['the name of a container', { host: 'sandbox:5001' }],
  ])('%s', (_, headers) => {
    expect(ask(headers)).toBeUndefined();
  });

  it('lets a link from elsewhere lead to the page, and no script of elsewhere read it', () => {
    const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    expect(ask(link, { method: 'GET' })).toBeUndefined();
    expect(ask(link, { method: 'POST' })).toBeDefined();
    expect(ask({ ...link, 'sec-fetch-mode': 'no-cors' }, { method: 'GET' })).toBeDefined();
  });
});
