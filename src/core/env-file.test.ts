import { describe, expect, it } from 'vitest';
import { parseEnvFile } from './env-file.ts';

const read = (text: string, environment = {}) => parseEnvFile(text, '.env.local', environment);

describe('an environment file', () => {
  it.each<[string, Record<string, string>]>([
    ['', {}],
    ['\n\r\n \t\r', {}],
    ['a=b', { a: 'b' }],
    ['\ufeffa=b\nc=d', { a: 'b', c: 'd' }],
    ["'a'=b", { a: 'b' }],
    ['[=b', { '[': 'b' }],
    [' a = b ', { a: 'b' }],
    ['export a=b', { a: 'b' }],
    ["  export\t'a'=b", { a: 'b' }],
    ['export export_a=1', { export_a: '1' }],
    ['export=5', { export: '5' }],
    ['# a=b', {}],
    ['  # one\n\n\t# two\na=b # three\n# four', { a: 'b' }],
    ['a=b#c', { a: 'b#c' }],
    ['a=b #c', { a: 'b' }],
    ['a=b\t#c', { a: 'b' }],
    ['a=#b', { a: '#b' }],
    ['a= #c', { a: '' }],
    ['a=  # comment', { a: '' }],
    ['a=', { a: '' }],
    ['a=\nb=c', { a: '', b: 'c' }],
    ['a=b c ', { a: 'b c' }],
    ['a=b  c', { a: 'b  c' }],
    ['a=b\u00a0 c', { a: 'b\u00a0 c' }],
    ["a='b c '", { a: 'b c ' }],
    ['a="b c "', { a: 'b c ' }],
    ['a="b\nc"', { a: 'b\nc' }],
    ["a='b\r\nc'\r\nd=e", { a: 'b\r\nc', d: 'e' }],
    [String.raw`a="b\nc\t\\\"\'\q"`, { a: 'b\nc\t\\"\'\\q' }],
    [String.raw`a='b\nc\'d\\'`, { a: "b\\nc'd\\" }],
    [String.raw`a=b\nc`, { a: String.raw`b\nc` }],
    ['a="b # c" # d', { a: 'b # c' }],
    ['a="b"#c', { a: 'b' }],
    ['a=it"s', { a: 'it"s' }],
    ['a=à', { a: 'à' }],
    ['a=b=c==', { a: 'b=c==' }],
    ['a=b\rc=d', { a: 'b', c: 'd' }],
    ['a=b\r\nc=d\r\n', { a: 'b', c: 'd' }],
    ['no_value\na=b', { a: 'b' }],
    ['export a', {}],
    ['a=1\na=2', { a: '2' }],
    ['uglyKey[%$="S3cr3t_P4ssw#rD" #\na=b', { 'uglyKey[%$': 'S3cr3t_P4ssw#rD', a: 'b' }],
  ])('is read as python-dotenv reads it: %j', (text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  it.each<[string, string]>([
    ['a=${FROM}', 'outside'],
    ['a="x-${FROM}-y"', 'x-outside-y'],
    ["a='${FROM}'", 'outside'],
    ['a=${NONE:-fallback}', 'fallback'],
    ['a=${NONE:-}', ''],
    ['a=${FROM:-fallback}', 'outside'],
    ['b=inside\na=${b}', 'inside'],
    ['FROM=inside\na=${FROM}', 'outside'],
    ['a=$FROM and $5', '$FROM and $5'],
    ['a=${FROM', '${FROM'],
    ['a=$(id)', '$(id)'],
  ])('gives references their values as python-dotenv does: %j', (text, expected) => {
    expect(read(text, { FROM: 'outside' })['a']).toBe(expected);
  });

  it.each(['${NONE}', '${NONE-x}', '${NONE:?no}', '${}', '${b}'])(
    'refuses a reference to nothing by its name: %s',
    (reference) => {
      expect(() => read(`x=1\n\na="secret${reference}"\nb=1`)).toThrow(
        `.env.local line 3: a refers to ${reference}, which is not set.`,
      );
    },
  );

  it.each([
    ['a: b', 1],
    ['x=1\n\nCLIENT_SECRET abc', 3],
    ['x="1\n2"\na="b', 3],
    ["a='b", 1],
    ['a="b" c', 1],
    ['=b', 1],
    ['a=1\r\n"b"\r\n=c', 3],
  ])('names the line that is no assignment, and does not show it: %j', (text, line) => {
    expect(() => read(text)).toThrow(`.env.local line ${line} is not NAME=value.`);
  });
});
