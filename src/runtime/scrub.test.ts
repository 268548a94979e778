import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errorTable } from '../errors/error-table.ts';
import { scrub } from './scrub.ts';

const word = (min: number, max: number) =>
  fc.stringMatching(new RegExp(`^[A-Za-z0-9][A-Za-z0-9_-]{${min - 1},${max - 1}}$`));
const opaque = word(32, 80);
const jwt = fc
  .tuple(word(20, 40), word(20, 90), word(40, 90))
  .map((parts) => `eyJ${parts.join('.')}`);

/** How a known secret stands in a text; the text holds it as `⟨secret⟩`. */
const shapes: Record<string, { secret: fc.Arbitrary<string>; texts: readonly string[] }> = {
  'a private key': {
    secret: word(20, 40).map((text) => `pk_${text}`),
    texts: ['⟨secret⟩', '"⟨secret⟩"', 'key=⟨secret⟩', '(⟨secret⟩)', 'key:\n⟨secret⟩', '\t⟨secret⟩'],
  },
  'an access token': {
    secret: jwt,
    texts: ['⟨secret⟩', "'⟨secret⟩'", 'got ⟨secret⟩, expired', 'token:\n⟨secret⟩', '\t⟨secret⟩'],
  },
  'an Authorization header': {
    secret: opaque,
    texts: ['Bearer ⟨secret⟩', 'basic ⟨secret⟩', '\nBearer ⟨secret⟩', "{ auth: 'Basic ⟨secret⟩' }"],
  },
  'a named field': {
    secret: opaque,
    texts: ['refresh_token', 'access_token', 'client_secret', 'code_verifier', 'password'].flatMap(
      (name) => [
        `${name}=⟨secret⟩`,
        `grant_type=x&${name}=⟨secret⟩&y=z`,
        `{"${name}":"⟨secret⟩"}`,
        `{"body":"{\\"${name}\\":\\"⟨secret⟩\\"}"}`,
        `{ ${name}: '⟨secret⟩' }`,
        `${name}:\n⟨secret⟩`,
      ],
    ),
  },
  'the answer of an authorization': {
    secret: opaque,
    texts: ['/auth/callback?code=⟨secret⟩&state=x', '/auth/callback?error=y&state=⟨secret⟩'],
  },
  'an invitation’s link': {
    secret: word(43, 43),
    texts: [
      'https://example.com/connect/⟨secret⟩',
      '/connect/⟨secret⟩/start',
      '"/connect/⟨secret⟩"',
    ],
  },
  'a database’s password': {
    secret: word(8, 30),
    texts: ['postgres://app:⟨secret⟩@db:5432/keyshift', 'redis://:⟨secret⟩@cache'],
  },
  'a service token that Keyshift made': {
    secret: word(32, 32).map((text) => `ks_${text}`),
    texts: ['unknown token ⟨secret⟩', 'Bearer ⟨secret⟩'],
  },
  'a password of the least length that production takes': {
    secret: word(12, 12),
    texts: ['password=⟨secret⟩', '{"password":"⟨secret⟩"}'],
  },
};

const cases = Object.entries(shapes).flatMap(([name, { secret, texts }]) =>
  texts.map((text) => ({ name, text, secret })),
);

describe('scrub', () => {
  it.each(cases)('lets $name not survive in $text', ({ text, secret }) => {
    fc.assert(
      fc.property(secret, (value) => {
        expect(scrub(text.replace('⟨secret⟩', value))).not.toContain(value);
      }),
      { numRuns: 30 },
    );
  });

  it.each(cases)('lets $name not survive in a line of JSON that holds $text', (shape) => {
    fc.assert(
      fc.property(shape.secret, (value) => {
        const line = JSON.stringify({ msg: shape.text.replace('⟨secret⟩', value), after: 'kept' });
        const clean = scrub(line);
        expect(clean).not.toContain(value);
        expect(JSON.parse(clean)).toMatchObject({ after: 'kept' });
      }),
      { numRuns: 30 },
    );
  });

  it.each(Object.keys(errorTable))('leaves the error code %s readable', (code) => {
    const line = JSON.stringify({ code, error: code, path: `/auth/callback?error=${code}` });
    expect(scrub(line)).toBe(line);
    expect(scrub(`refresh failed (${code}): ${code}`)).toBe(`refresh failed (${code}): ${code}`);
  });

  it('leaves ids, paths and numbers readable', () => {
    const account = fc.stringMatching(/^[A-Za-z0-9]{6}$/);
    fc.assert(
      fc.property(fc.uuid(), fc.ulid(), account, fc.nat(), (requestId, profile, id, count) => {
        const line = JSON.stringify({ requestId, account: id, path: `/api/x/${profile}`, count });
        expect(scrub(line)).toBe(line);
      }),
    );
  });

  it('does not take what lies between a port and a mail address for a password', () => {
    const line = JSON.stringify({ url: 'http://localhost:5000', email: 'ada@alpha.example' });
    expect(scrub(line)).toBe(line);
    const nested = JSON.stringify({ at: { url: 'http://localhost:5000' }, email: 'a@b.example' });
    expect(scrub(nested)).toBe(nested);
  });

  it('says what stood where something was removed', () => {
    expect(scrub('401 for pk_0123456789abcdef')).toMatch(/^401 for pk_\[scrubbed\]$/);
    expect(scrub('refresh_token=0123456789abcdef01&x=1')).toMatch(/^refresh_token=\[.+\]&x=1$/);
  });

  it('leaves our own advice on how to write an address as it is, and no password beside it', () => {
    const advice = 'Set DATABASE_URL to postgres://user:password@host:5432/database.';
    expect(scrub(advice)).toBe(advice);
    expect(scrub('postgres://user:password1@host postgres://user:hunter2@host')).toBe(
      'postgres://user:[scrubbed]@host postgres://user:[scrubbed]@host',
    );
  });
});
