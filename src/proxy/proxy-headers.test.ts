import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forwardedReplyHeaders, forwardedRequestHeaders } from './proxy-headers.ts';

const forward = (headers: Record<string, string | string[]>) =>
  toObject(forwardedRequestHeaders(headers, '2026-07-15'));

/** Names that come more than once have a list. */
function toObject(list: readonly string[]): Record<string, string | string[]> {
  const all: Record<string, string | string[]> = {};
  for (let at = 0; at < list.length; at += 2) {
    const [name = '', value = ''] = list.slice(at, at + 2);
    const earlier = all[name];
    all[name] = earlier === undefined ? value : [earlier, value].flat();
  }
  return all;
}

describe('the headers of a call', () => {
  it('never hold the caller’s own credential or cookies', () => {
    const sent = forward({
      authorization: 'Bearer service-token',
      cookie: 'keyshift_session=1',
      'proxy-authorization': 'Basic x',
      connection: 'authorization',
    });
    expect(sent).toEqual({ revision: '2026-07-15' });
  });

  it('leave out what concerns this hop only, also what Connection names', () => {
    const sent = forward({
      host: 'localhost:5000',
      connection: 'close, X-Klaviyo-Trace,  x-other',
      'keep-alive': 'timeout=5',
      'proxy-connection': 'keep-alive',
      te: 'trailers',
      trailer: 'x-sum',
      'transfer-encoding': 'chunked',
      upgrade: 'websocket',
      expect: '100-continue',
      'x-klaviyo-trace': '1',
      'x-other': '2',
      'if-match': '3',
    });
    expect(sent).toEqual({ revision: '2026-07-15', 'if-match': '3' });
  });

  it('leave out whatever the networks in front of Keyshift have added', () => {
    const added = [
      ...['via', 'forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-server'],
      ...['x-real-ip', 'x-client-ip', 'x-cluster-client-ip', 'true-client-ip', 'x-request-id'],
      ...['cf-connecting-ip', 'cf-ray', 'cf-visitor', 'cf-ipcountry', 'cf-worker', 'cdn-loop'],
      ...['fastly-client-ip', 'fastly-ff', 'x-varnish', 'akamai-origin-hop', 'x-akamai-edgescape'],
      ...['x-amzn-trace-id', 'x-amz-cf-id', 'cloudfront-viewer-country', 'x-azure-ref'],
      ...['x-cloud-trace-context', 'x-envoy-external-address', 'x-b3-traceid', 'fly-client-ip'],
      ...['traceparent', 'tracestate', 'baggage', 'sentry-trace', 'x-datadog-trace-id'],
      ...['origin', 'referer', 'sec-fetch-mode', 'x-csrf-token', 'x-api-key', 'dnt', 'priority'],
    ];
    const sent = forward(Object.fromEntries(added.map((name) => [name, 'x'])));
    expect(sent).toEqual({ revision: '2026-07-15' });
  });

  it('leave out what is for Keyshift alone', () => {
    const sent = forward({ 'keyshift-account': 'AAA111', 'keyshift-customer': 'acme' });
    expect(Object.keys(sent).filter((name) => name.startsWith('keyshift'))).toEqual([]);
  });

  it('keep the revision that the caller set, and add one otherwise', () => {
    expect(forward({ revision: '2024-10-15' })['revision']).toBe('2024-10-15');
    expect(forward({})['revision']).toBe('2026-07-15');
  });

  it('keep what the call is about', () => {
    const about = {
      accept: 'application/vnd.api+json',
      'accept-encoding': 'gzip',
      'content-type': 'application/json',
      'content-length': '12',
      'user-agent': 'shop/1.0',
      'x-klaviyo-api-source': 'shop',
      'x-klaviyo-many': ['1', '2'],
      'idempotency-key': 'order-1',
      'if-none-match': '"1"',
    };
    expect(forward(about)).toMatchObject(about);
  });

  it('carry exactly one credential, whatever the caller sends', () => {
    const name = fc.constantFrom(
      ...['authorization', 'cookie', 'connection', 'keyshift-x', 'host', 'x-a', 'revision'],
    );
    const value = fc.constantFrom('authorization', 'x-a, cookie', 'Bearer other', '');
    fc.assert(
      fc.property(fc.dictionary(name, value), (headers) => {
        const sent = forward(headers);
        expect(sent).not.toHaveProperty('authorization');
        expect(sent).not.toHaveProperty('cookie');
        expect(sent).not.toHaveProperty('host');
        expect(sent).not.toHaveProperty('keyshift-x');
        expect(typeof sent['revision']).toBe('string');
      }),
    );
  });

  it('are not changed where the caller still reads them', () => {
    const headers = { authorization: 'Bearer service-token', 'keyshift-account': 'AAA111' };
    forward(headers);
    expect(headers).toEqual({
      authorization: 'Bearer service-token',
      'keyshift-account': 'AAA111',
    });
  });
});

describe('the headers of an answer', () => {
  it('never repeat the credential that the call was sent with', () => {
    expect(forwardedReplyHeaders({ authorization: 'Bearer token-1' })).toEqual([]);
  });

  it('set no cookies of Klaviyo’s on our host, and leave the hop out', () => {
    const sent = toObject(
      forwardedReplyHeaders({
        'set-cookie': ['a=1', 'b=2'],
        connection: 'keep-alive, x-hop',
        'keep-alive': 'timeout=5',
        'transfer-encoding': 'chunked',
        'x-hop': '1',
      }),
    );
    expect(sent).toEqual({});
  });

  it('keep status-like facts: limits, pauses, types, lengths', () => {
    const facts = {
      'content-type': 'application/vnd.api+json',
      'content-encoding': 'gzip',
      'content-length': '120',
      'retry-after': '5',
      'ratelimit-remaining': '0',
      'www-authenticate': 'Bearer, Klaviyo-API-Key',
    };
    expect(toObject(forwardedReplyHeaders(facts))).toEqual(facts);
  });
});
