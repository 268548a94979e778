import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createStylesheet } from './stylesheet.ts';

const { body, path, headers } = createStylesheet();

describe('createStylesheet', () => {
  it('loads nothing else, so that the strict policy holds', () => {
    expect(body).not.toMatch(/url\(|@import|@font-face/);
  });

  it('uses no colour that is not defined', () => {
    const defined = new Set(Array.from(body.matchAll(/--(\w+):#[0-9a-f]{6}/g), (m) => m[1]));
    const used = new Set(Array.from(body.matchAll(/var\(--(\w+)\)/g), (m) => m[1]));
    expect(used.size).toBeGreaterThan(5);
    expect([...used].filter((name) => !defined.has(name))).toEqual([]);
  });

  it('closes every block', () => {
    expect(body.split('{').length).toBe(body.split('}').length);
  });

  it('has a path that changes with its content and may be cached for good', () => {
    const hash = createHash('sha256').update(body).digest('hex');
    expect(path).toBe(`/assets/${hash.slice(0, 16)}.css`);
    expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(headers['content-type']).toBe('text/css; charset=utf-8');
  });

  it('holds colours for both schemes and a visible focus', () => {
    expect(body).toContain('@media (prefers-color-scheme:dark)');
    expect(body).toMatch(/:focus-visible\{outline:3px solid/);
  });
});
