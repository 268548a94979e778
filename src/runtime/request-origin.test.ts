import { describe, expect, it } from 'vitest';
import { createCollectingLogger } from '../../test/support/collecting-logger.ts';
import { createReadOrigin, TrustedProxies, type IncomingParts } from './request-origin.ts';

function trust(...entries: string[]): TrustedProxies {
  const proxies = new TrustedProxies();
  for (const entry of entries) expect(proxies.add(entry), entry).toBeUndefined();
  return proxies;
}

/** What is read of a request from `peer` with `headers`. */
function read(
  peer: string | undefined,
  headers: IncomingParts['headers'],
  trusted = trust('10.0.0.0/8', 'fd00::/8'),
) {
  const { logger } = createCollectingLogger();
  return createReadOrigin(trusted, logger)({ socket: { remoteAddress: peer }, headers });
}

const addressOf = (peer: string, headers: IncomingParts['headers']) => read(peer, headers).address;

describe('a client behind nobody that is trusted', () => {
  const lies = {
    host: 'real.example',
    'x-forwarded-for': '203.0.113.9',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'evil.example',
    forwarded: 'for=203.0.113.9;proto=https;host=evil.example',
  };

  it('is the other end of the connection, whatever its headers say', () => {
    expect(read('198.51.100.7', lies)).toEqual({
      address: '198.51.100.7',
      via: undefined,
      scheme: 'http',
      host: 'real.example',
    });
    expect(read('10.0.0.1', lies, trust()).address).toBe('10.0.0.1');
  });

  it('is unknown where there is no connection, and trusted by nothing', () => {
    expect(read(undefined, lies)).toMatchObject({ address: 'unknown', scheme: 'http' });
  });

  it('came over TLS where the connection is', () => {
    const { logger } = createCollectingLogger();
    const socket = { remoteAddress: '198.51.100.7', encrypted: true };
    expect(createReadOrigin(trust(), logger)({ socket, headers: {} }).scheme).toBe('https');
  });

  it('makes one line in the log, which names the setting', () => {
    const { logger, lines } = createCollectingLogger();
    const readOrigin = createReadOrigin(trust(), logger);
    for (let count = 0; count < 3; count += 1) {
      readOrigin({ socket: { remoteAddress: '10.0.0.1' }, headers: lies });
      readOrigin({ socket: { remoteAddress: '10.0.0.1' }, headers: { host: 'real.example' } });
    }
    expect(lines.scrubbed).toHaveLength(1);
    expect(lines.scrubbed[0]).toContain('TRUSTED_PROXIES');
    expect(lines.scrubbed[0]).toContain('10.0.0.1');
  });
});

describe('a client behind a trusted proxy', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['203.0.113.9:41234', '203.0.113.9'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['::ffff:cb00:7109', '203.0.113.9'],
    ['fe80::1%eth0', 'fe80::1'],
    [' 203.0.113.9 ', '203.0.113.9'],
  ])('is read from X-Forwarded-For: %j', (entry, address) => {
    expect(addressOf('10.0.0.1', { 'x-forwarded-for': entry })).toBe(address);
  });

  it.each([
    ['for=203.0.113.9', '203.0.113.9'],
    ['For="203.0.113.9:41234";proto=https;by=10.0.0.1', '203.0.113.9'],
    ['for="[2001:db8:cafe::17]:4711"', '2001:db8:cafe::17'],
    ['for="_a,b;for=1.1.1.1", for=203.0.113.9', '203.0.113.9'],
    ['proto=http;for="203.0.11\\3.9"', '203.0.113.9'],
  ])('is read from Forwarded: %j', (forwarded, address) => {
    expect(addressOf('10.0.0.1', { forwarded })).toBe(address);
  });

  it('is the last that no trusted proxy stands for, over several proxies', () => {
    const headers = { 'x-forwarded-for': '6.6.6.6, 203.0.113.9, 10.0.0.2, fd00::3' };
    expect(addressOf('::ffff:10.0.0.1', headers)).toBe('203.0.113.9');
    const forwarded = 'for=6.6.6.6, for=203.0.113.9;proto=https, for="[fd00::3]";proto=http';
    expect(read('10.0.0.1', { forwarded })).toMatchObject({
      address: '203.0.113.9',
      via: '10.0.0.1',
      scheme: 'https',
    });
  });

  it('cannot choose its address, scheme or host by headers of its own', () => {
    const spoofed = {
      host: 'keyshift.internal',
      'x-forwarded-for': '6.6.6.6, 7.7.7.7,203.0.113.9',
      'x-forwarded-proto': 'https, http',
      'x-forwarded-host': 'evil.example, shop.example',
    };
    expect(read('10.0.0.1', spoofed)).toEqual({
      address: '203.0.113.9',
      via: '10.0.0.1',
      scheme: 'http',
      host: 'shop.example',
    });
  });

  it('cannot choose its address by the header that its proxy does not write', () => {
    const both = { 'x-forwarded-for': '203.0.113.9', forwarded: 'for=6.6.6.6' };
    expect(addressOf('10.0.0.1', both)).toBe('10.0.0.1');
    const agreed = { ...both, forwarded: 'for=203.0.113.9' };
    expect(addressOf('10.0.0.1', agreed)).toBe('203.0.113.9');
  });

  it.each(['unknown', '_hidden', '', 'evil', '010.0.0.1', '1.2.3', '300.1.1.1', '"'])(
    'that the proxy does not name counts as the proxy: %j',
    (entry) => {
      const headers = { 'x-forwarded-for': `6.6.6.6, ${entry}` };
      expect(addressOf('10.0.0.1', headers)).toBe('10.0.0.1');
      expect(addressOf('10.0.0.1', { forwarded: `for=6.6.6.6, for=${entry}` })).toBe('10.0.0.1');
    },
  );

  it('is the first of all where every address is a trusted one', () => {
    expect(addressOf('10.0.0.1', { 'x-forwarded-for': '10.0.0.9, 10.0.0.2' })).toBe('10.0.0.9');
  });

  it('has the scheme and the host that its own proxy saw, not those between proxies', () => {
    const headers = {
      host: 'internal:5000',
      'x-forwarded-for': '203.0.113.9, 10.0.0.2',
      'x-forwarded-proto': 'https, http',
      'x-forwarded-host': 'shop.example:8443, inner.example',
    };
    expect(read('10.0.0.1', headers)).toMatchObject({ scheme: 'https', host: 'shop.example:8443' });
    const once = { ...headers, 'x-forwarded-proto': 'HTTPS', 'x-forwarded-host': '[::1]:8443' };
    expect(read('10.0.0.1', once)).toMatchObject({ scheme: 'https', host: '[::1]:8443' });
  });

  it('has the connection’s scheme and host where the proxy’s are no scheme and no host', () => {
    const headers = {
      host: 'real.example',
      'x-forwarded-proto': 'javascript',
      'x-forwarded-host': 'evil.example/path',
    };
    expect(read('10.0.0.1', headers)).toMatchObject({ scheme: 'http', host: 'real.example' });
  });
});

describe('TRUSTED_PROXIES', () => {
  it.each([
    ['10.1.2.3', '10.1.2.3', '10.1.2.4'],
    ['10.0.0.0/8', '10.255.0.1', '11.0.0.1'],
    ['10.1.2.3/32', '10.1.2.3', '10.1.2.4'],
    ['2001:db8::/32', '2001:db8:ffff::1', '2001:db9::1'],
    ['::ffff:10.1.2.3', '10.1.2.3', '10.1.2.4'],
    ['::ffff:10.0.0.0/104', '10.255.0.1', '11.0.0.1'],
    ['loopback', '127.0.0.5', '10.0.0.1'],
    ['Loopback', '::1', '::2'],
    ['uniquelocal', '172.31.0.1', '172.32.0.1'],
    ['linklocal', 'fe80::1', 'fd00::1'],
  ])('%s has %s and not %s', (entry, inside, outside) => {
    const headers = { 'x-forwarded-for': '203.0.113.9' };
    expect(read(inside, headers, trust(entry)).address).toBe('203.0.113.9');
    expect(read(outside, headers, trust(entry)).address).toBe(outside);
  });

  it.each([
    'proxy.internal',
    '10.0.0',
    '010.0.0.1',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.0/255.0.0.0',
    '2001:db8::/129',
    '::ffff:10.0.0.0/96',
    '[::1]',
    '10.0.0.1:80',
    'fe80::1%eth0',
    '0.0.0.0/0',
    '::/0',
    '*',
    'true',
    '1',
  ])('does not take %s', (entry) => {
    expect(new TrustedProxies().add(entry)).toMatch(/^(which|whose) /);
  });
});
