import { describe, expect, it } from 'vitest';
import { assertPlainPath, toOriginForm } from './api-path.ts';

describe('a request target', () => {
  it.each([
    ['/api/events?a=//b', '/api/events?a=//b'],
    ['//api/events', '/api/events'],
    ['////api/events/', '/api/events/'],
    ['//client/events', '/client/events'],
    ['http://localhost:5000/api/events?a=1', '/api/events?a=1'],
    ['HTTPS://a.klaviyo.com//api/events', '/api/events'],
    ['http://localhost', '/'],
    ['http://localhost?a=1', '/?a=1'],
    ['//other.example/api/events', '//other.example/api/events'],
    ['/api//events', '/api//events'],
    ['*', '*'],
  ])('%s is %s', (target, path) => {
    expect(toOriginForm(target)).toBe(path);
  });
});

describe('the path of a call', () => {
  it.each([
    '/api/profiles/..%2Flists',
    '/api/profiles/%2e%2e/lists',
    '/api/profiles/.%2E',
    '/api/profiles/..;a=b/lists',
    '/api/profiles/..%3b/lists',
    '/api/profiles%2f..%2flists',
    '/api/profiles/a\\..\\b',
    '/api/profiles/a%5C..%5cb',
    '/api/profiles/a%0d%0aHost:x',
    '/api/profiles/a%00',
  ])('is refused when it may lead elsewhere: %s', (path) => {
    expect(() => {
      assertPlainPath(path);
    }).toThrow(expect.objectContaining({ code: 'request_invalid' }) as Error);
  });

  it.each(["/api/profiles/01H:ab$c!'()*~", '/api/lists/...a/..b/c..', '/api/x/a%2Fb%20c;d'])(
    'may hold whatever an id holds: %s',
    (path) => {
      assertPlainPath(path);
    },
  );
});
