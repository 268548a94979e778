import { describe, expect, it } from 'vitest';
import { operations } from '../klaviyo/operations.ts';
import { createHostCheck } from './call-host.ts';
import { readLogLine, readAccessLog } from './read-access-log.ts';

const isKlaviyo = createHostCheck(['klaviyo-egress.internal:8080']);

async function* linesOf(lines: readonly string[]) {
  yield* lines;
}

describe('readLogLine', () => {
  const profiles = { method: 'GET', path: '/api/profiles' };
  it.each([
    [
      'common format',
      '10.0.0.1 - - [25/Nov/2026:10:00:00 +0000] "GET /api/profiles?page%5Bsize%5D=2 HTTP/1.1" 200 512',
    ],
    ['slashes that a client doubled', '"GET //api/profiles HTTP/1.1" 200'],
    ['an absolute URL', '1 "GET https://a.klaviyo.com/api/profiles HTTP/1.1" 200'],
    [
      'nginx as JSON',
      '{"request_method":"GET","request_uri":"/api/profiles?a=1","host":"a.klaviyo.com"}',
    ],
    ['Caddy', '{"request":{"method":"GET","uri":"/api/profiles","host":"a.klaviyo.com:443"}}'],
    ['a request line within JSON', '{"request":"GET /api/profiles HTTP/2.0","status":200}'],
    [
      'a host of the integrator’s own',
      '{"method":"get","url":"http://klaviyo-egress.internal:8080/api/profiles"}',
    ],
    [
      'Heroku’s router',
      '2026-11-25T10:00:00+00:00 heroku[router]: at=info method=GET path="/api/profiles?a=1" host=a.klaviyo.com dyno=web.1 status=200',
    ],
    ['logfmt', 'time=x level=info msg="proxied" method=GET uri=/api/profiles status=200'],
    [
      'an AWS load balancer',
      'https 2026-11-25T10:00:00Z app/lb/1 10.0.0.1:1 10.0.0.2:80 0 0 0 200 200 1 1 "GET https://a.klaviyo.com:443/api/profiles HTTP/1.1" "x"',
    ],
    [
      'CloudFront',
      '2026-11-25\t10:00:00\tFRA2\t512\t1.2.3.4\tGET\td1.cloudfront.net\t/api/profiles\t200',
    ],
    ['JSON with names of its own', '{"rq":{"m":"GET","u":"https://a.klaviyo.com/api/profiles"}}'],
    ['a request line in a JSON message', '{"log":"1.2.3.4 \\"GET /api/profiles HTTP/1.1\\" 200"}'],
    [
      'JSON behind the time',
      '2026-11-25T10:00:00Z stdout F {"method":"GET","path":"/api/profiles"}',
    ],
  ])('reads %s', (_what, line) => {
    expect(readLogLine(line, isKlaviyo)).toEqual(profiles);
  });

  it.each([
    ['another host', '{"method":"GET","path":"/api/profiles","host":"shop.example"}'],
    ['another host in a URL', '"GET https://shop.example/api/profiles HTTP/1.1"'],
    ['another path', '"GET /orders HTTP/1.1" 200'],
    ['nothing', ''],
    ['a heading', '#Fields: date time cs-method'],
  ])('passes over %s', (_what, line) => {
    expect(readLogLine(line, isKlaviyo)).toBe('other');
  });

  it.each([
    ['half a JSON object', '{"method":"GET","path":"/api/prof'],
    ['a line without a request', 'worker 3 started'],
    ['a tunnel, which holds no path', 'CONNECT a.klaviyo.com:443 HTTP/1.1'],
  ])('does not pretend to know %s', (_what, line) => {
    expect(readLogLine(line, isKlaviyo)).toBe('unread');
  });
});

describe('readAccessLog', () => {
  it('maps one line of each operation to that operation', async () => {
    const lines = operations.map(
      ({ method, path }) => `"${method} ${path.replace(/\{\w+\}/g, '01ABC:x$')} HTTP/1.1" 200`,
    );
    const { sightings, calls } = await readAccessLog(linesOf(lines), 'log', isKlaviyo);
    expect(calls).toBe(operations.length);
    const ids = sightings.map((each) => (each.kind === 'operation' ? each.operation.id : each));
    expect(ids).toEqual(operations.map(({ id }) => id));
  });

  it('counts, and keeps unknown and retired paths apart', async () => {
    const lines = [
      '"POST /api/events/ HTTP/1.1"',
      '"POST /api/events HTTP/1.1"',
      '"GET /x HTTP/1.1"',
    ];
    const odd = ['"GET /api/nothing-known HTTP/1.1"', '"GET /api/v2/list/abc/members HTTP/1.1"'];
    const read = await readAccessLog(linesOf([...lines, ...odd]), 'log', isKlaviyo);
    expect(read).toMatchObject({ lines: 5, calls: 4 });
    expect(read.sightings.map(({ kind, path, count }) => [kind, path, count])).toEqual([
      ['operation', '/api/events', 2],
      ['unknown', '/api/nothing-known', 1],
      ['legacy', '/api/v2/list/abc/members', 1],
    ]);
  });

  it('counts what mentions the API in a form that is not known', async () => {
    const lines = ['!get|a.klaviyo.com|profiles', '!get|/api/events', 'worker 3 started', ''];
    const read = await readAccessLog(linesOf(lines), 'log', isKlaviyo);
    expect(read).toMatchObject({ lines: 4, calls: 0, unreadLines: 3 });
    expect(read.sightings).toMatchObject([{ kind: 'unread', count: 2, where: 'log' }]);
  });

  it('stays small however many unknown paths a log holds', async () => {
    const lines = Array.from({ length: 1_000 }, (_each, at) => `"GET /api/thing-${at} HTTP/1.1"`);
    const { sightings } = await readAccessLog(linesOf(lines), 'log', isKlaviyo);
    expect(sightings.length).toBeLessThanOrEqual(201);
    expect(sightings.reduce((sum, { count }) => sum + count, 0)).toBe(1_000);
  });
});
