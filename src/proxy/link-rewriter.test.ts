import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LinkRewriter } from './link-rewriter.ts';

const klaviyo = 'https://a.klaviyo.com';
const ours = 'http://keyshift.internal:5000';

/** Rewrites a text that comes in parts of these sizes. */
function rewrite(text: string, sizes: readonly number[] = [text.length]): string {
  const rewriter = new LinkRewriter([klaviyo], ours);
  const bytes = Buffer.from(text);
  const out: Buffer[] = [];
  let at = 0;
  for (let turn = 0; at < bytes.length; turn += 1) {
    const size = Math.max(1, sizes[turn % sizes.length] ?? 1);
    out.push(Buffer.from(rewriter.write(bytes.subarray(at, at + size))));
    at += size;
  }
  out.push(rewriter.end());
  return Buffer.concat(out).toString();
}

describe('the links of an answer', () => {
  it.each([
    [`{"links":{"next":"${klaviyo}/api/x?page=1"}}`, `{"links":{"next":"${ours}/api/x?page=1"}}`],
    [`{"links":"${klaviyo}"}`, `{"links":"${ours}"}`],
    [`{"links":{"a":{"href":"${klaviyo}/x"}}}`, `{"links":{"a":{"href":"${ours}/x"}}}`],
    [`{"links":["${klaviyo}?a","${klaviyo}#b"]}`, `{"links":["${ours}?a","${ours}#b"]}`],
    [
      `{"data":[{"id":"1","links":{"self":"${klaviyo}/1"}},{"links":{"self":"${klaviyo}/2"}}]}`,
      `{"data":[{"id":"1","links":{"self":"${ours}/1"}},{"links":{"self":"${ours}/2"}}]}`,
    ],
    [
      '{"links":{"next":"https:\\/\\/a.klaviyo.com\\/api\\/x"}}',
      '{"links":{"next":"http:\\/\\/keyshift.internal:5000\\/api\\/x"}}',
    ],
    [
      `{ "links" : { "self" : null , "next" : "${klaviyo}/ü" } }`,
      `{ "links" : { "self" : null , "next" : "${ours}/ü" } }`,
    ],
  ])('name the host that the caller called: %s', (text, expected) => {
    expect(rewrite(text)).toBe(expected);
    for (const size of [1, 2, 3, 7]) expect(rewrite(text, [size])).toBe(expected);
  });

  it.each([
    `{"attributes":{"url":"${klaviyo}/x"}}`,
    `{"links":{"${klaviyo}/x":"y"}}`,
    `{"links":{"next":"${klaviyo}.evil.example/x"}}`,
    `{"links":{"next":"${klaviyo}:8443/x"}}`,
    `{"links":{"next":"see ${klaviyo}/x"}}`,
    `{"links":{"a":1},"other":"${klaviyo}/x"}`,
    `{"links":[],"other":["${klaviyo}/x"]}`,
    `{"linksx":"${klaviyo}/x","link":"${klaviyo}/x"}`,
    `{"a":"links","b":"${klaviyo}/x"}`,
    `{"a":"\\"links\\":\\"${klaviyo}/x"}`,
    `["links","${klaviyo}/x"]`,
    `"links ${klaviyo}/x"`,
    `<html>{"links":{"next":"${klaviyo}/x"}}`,
    `}{"links":{"next":"${klaviyo}/x"}}`,
    `{"links":{"next":"https://a.klav`,
    '{"links',
    '[]{}',
    '',
  ])('are all that changes: %s', (text) => {
    expect(rewrite(text)).toBe(text);
    for (const size of [1, 2, 3, 7]) expect(rewrite(text, [size])).toBe(text);
  });

  it('are those that a parser would find, however the text is cut', () => {
    const string = fc.oneof(
      fc.constantFrom('links', `${klaviyo}/x`, klaviyo, '"links":', '\\', 'https:', '{', ','),
      fc.string(),
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        string,
        fc.constantFrom(null, 1.5, true),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(string, tie('value'), { maxKeys: 4, noNullPrototype: true }),
      ),
    }));
    const change = (node: unknown, under: boolean): unknown => {
      if (typeof node === 'string') {
        return under && (node === klaviyo || node.startsWith(`${klaviyo}/`))
          ? ours + node.slice(klaviyo.length)
          : node;
      }
      if (Array.isArray(node)) return node.map((each) => change(each, under));
      if (typeof node !== 'object' || node === null) return node;
      const entries = Object.entries(node);
      return Object.fromEntries(
        entries.map(([key, each]) => [key, change(each, under || key === 'links')]),
      );
    };
    fc.assert(
      fc.property(
        value,
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        (any, sizes) => {
          const text = JSON.stringify([any]);
          expect(JSON.parse(rewrite(text, sizes))).toEqual(change(JSON.parse(text), false));
        },
      ),
    );
  });

  it('are passed over without keeping anything, where JSON is deeper than Klaviyo’s', () => {
    const text = '['.repeat(100_000) + `{"links":"${klaviyo}"}`;
    expect(rewrite(text, [1_000])).toBe(text);
  });
});
