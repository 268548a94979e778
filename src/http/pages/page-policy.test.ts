import { describe, expect, it } from 'vitest';
import { pageHeaders } from './page-policy.ts';

function directive(name: string): string[] {
  const all = (pageHeaders()['content-security-policy'] ?? '')
    .split('; ')
    .map((part) => part.split(' '));
  return all.find(([first]) => first === name)?.slice(1) ?? [];
}

describe('pageHeaders', () => {
  it('lets forms lead nowhere but home', () => {
    expect(directive('form-action')).toEqual(["'self'"]);
  });

  it('allows no script, no frame around the page and no inline style', () => {
    expect(directive('default-src')).toEqual(["'none'"]);
    expect(directive('script-src')).toEqual([]);
    expect(directive('style-src')).toEqual(["'self'"]);
    expect(directive('frame-ancestors')).toEqual(["'none'"]);
    expect(directive('base-uri')).toEqual(["'none'"]);
  });

  it('keeps pages out of caches and search engines', () => {
    expect(pageHeaders()).toMatchObject({
      'cache-control': 'no-store',
      'x-robots-tag': 'noindex, nofollow',
    });
  });
});
