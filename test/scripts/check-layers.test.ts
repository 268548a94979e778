import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';

const script = new URL('../../scripts/check-layers.mjs', import.meta.url).href;
const { checkLayers } = (await import(script)) as { checkLayers(root: string): string[] };

/** Violations of a tree given as path under `src` → text. */
function check(files: Record<string, string>): string[] {
  const root = mkdtempSync(join(tmpdir(), 'keyshift-layers-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    const file = join(root, 'src', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return checkLayers(root);
}

/** Whether a file in `from` may import one in `to`. */
function mayImport(from: string, to: string, statement = `import { x } from '../${to}/b.ts';`) {
  const files = { [`${from}/a.ts`]: statement, [`${to}/b.ts`]: 'export const x = 1;' };
  return check(files).length === 0;
}

const topToBottom = ['cli', 'console', 'http', 'proxy', 'migration', 'client', 'calls'].concat([
  'tokens',
  'store',
]);
const bottom = ['vault', 'oauth', 'klaviyo', 'runtime', 'errors'];

describe('layers', () => {
  const upwards = topToBottom.flatMap((upper, index) =>
    [...topToBottom.slice(index + 1), ...bottom].map((lower) => [lower, upper] as const),
  );
  it.each(upwards)('%s may not import %s, which may import it', (lower, upper) => {
    expect(mayImport(lower, upper)).toBe(false);
    expect(mayImport(upper, lower)).toBe(true);
  });

  it.each([
    ['vault', 'oauth'],
    ['vault', 'klaviyo'],
    ['oauth', 'vault'],
    ['klaviyo', 'vault'],
    ['klaviyo', 'oauth'],
    ['errors', 'runtime'],
    ['model', 'store'],
    ['model', 'vault'],
    ['model', 'oauth'],
    ['sandbox', 'oauth'],
    ['sandbox', 'store'],
    ['http', 'sandbox'],
    ['migration', 'sandbox'],
  ])('%s may not import %s', (from, to) => expect(mayImport(from, to)).toBe(false));

  it.each([
    ['oauth', 'klaviyo'],
    ['runtime', 'errors'],
    ['store', 'model'],
    ['model', 'klaviyo'],
    ['model', 'runtime'],
    ['model', 'errors'],
    ['sandbox', 'klaviyo'],
    ['sandbox', 'runtime'],
    ['sandbox', 'errors'],
    ['cli', 'sandbox'],
  ])('%s may import %s', (from, to) => expect(mayImport(from, to)).toBe(true));

  it.each([
    `import type { x } from '../cli/b.ts';`,
    `import '../cli/b.ts';`,
    `export { x } from '../cli/b.ts';`,
    `export * from '../cli/b.ts';`,
    `const x = await import('../cli/b.ts');`,
    `let x: import('../cli/b.ts').X;`,
    `import { x } from '../cli/b.js';`,
    `import { x } from '../runtime/../cli/b.ts';`,
    `const x = await import('../' + name);`,
    `import { x } from 'keyshift';`,
  ])('sees through %s', (statement) => expect(mayImport('store', 'cli', statement)).toBe(false));

  it('is not misled by comments and strings', () => {
    expect(
      check({
        'vault/a.ts': `// import '../cli/b.ts'; Date.now()\nexport const x = 'Math.random()';`,
      }),
    ).toEqual([]);
  });

  it('names file and line of each violation', () => {
    const violations = check({
      'vault/a.ts': `export const a = 1;\n\nimport { b } from '../store/b.ts';`,
      'store/b.ts': `export const b = Math.random();`,
    });
    expect(violations).toEqual([
      'src/store/b.ts:1 reads Math.random; take it as a parameter',
      'src/vault/a.ts:3 vault may not import store',
    ]);
  });

  it('knows no folder that is in no layer', () => {
    expect(check({ 'misc/a.ts': '' })).toEqual([expect.stringMatching(/src\/misc is in no layer/)]);
  });

  it('lets nobody import an entry, nor a test, nor a file outside src', () => {
    const entry = { 'index.ts': 'export const x = 1;' };
    expect(check({ ...entry, 'cli/a.ts': `import { x } from '../index.ts';` })).toHaveLength(1);
    expect(check({ ...entry, 'other.ts': `import { x } from './index.ts';` })).toHaveLength(1);
    const test = { 'cli/b.test.ts': 'export const x = 1;' };
    expect(check({ ...test, 'cli/a.ts': `import { x } from './b.test.ts';` })).toHaveLength(1);
    expect(check({ 'cli/a.ts': `import { x } from '../../test/x.ts';` })).toHaveLength(1);
  });

  it('lets an entry import every layer, but the sandbox only its own', () => {
    const sandbox = { 'sandbox/a.ts': 'export const x = 1;', 'cli/a.ts': 'export const y = 1;' };
    const statement = `export { x } from './sandbox/a.ts';\nexport { y } from './cli/a.ts';`;
    expect(check({ ...sandbox, 'sandbox.ts': statement })).toEqual([]);
    expect(check({ ...sandbox, 'index.ts': statement })).toEqual([
      'src/index.ts:1 imports sandbox, which only src/sandbox.ts may',
    ]);
  });

  it('lets tests import anything', () => {
    const files = { 'sandbox/a.ts': 'export const x = 1;' };
    const statement = `import { x } from '../sandbox/a.ts';`;
    expect(check({ ...files, 'tokens/a.test.ts': statement })).toEqual([]);
    expect(check({ ...files, 'tokens/a.test.tsx': statement })).toEqual([]);
  });
});

describe('import cycles', () => {
  it('are found inside a layer, once, with the way round', () => {
    const violations = check({
      'store/a.ts': `import { b } from './b.ts';`,
      'store/b.ts': `import { c } from './c.ts';`,
      'store/c.ts': `import type { a } from './a.ts';`,
      'store/d.ts': `import { a } from './a.ts';`,
    });
    expect(violations).toEqual([
      'src/store/a.ts:1 import cycle: src/store/a.ts → src/store/b.ts → src/store/c.ts → src/store/a.ts',
    ]);
  });

  it('are found when a file imports itself', () => {
    expect(check({ 'store/a.ts': `import './a.ts';` })).toHaveLength(1);
  });

  it('are not seen where two paths lead to one file', () => {
    const violations = check({
      'store/a.ts': `import './b.ts'; import './c.ts';`,
      'store/b.ts': `import './d.ts';`,
      'store/c.ts': `import './d.ts';`,
      'store/d.ts': '',
    });
    expect(violations).toEqual([]);
  });
});

describe('what must be passed in', () => {
  it.each([
    'Date.now();',
    `Date['now']();`,
    'const read = Date.now;',
    'const { now } = Date;',
    'globalThis.Date.now();',
    'new Date();',
    'Date();',
    'new globalThis.Date();',
  ])('the clock: %s only in src/runtime/clock.ts and tests', (statement) => {
    expect(check({ 'tokens/a.ts': statement })).toHaveLength(1);
    expect(check({ 'runtime/clock.ts': statement, 'tokens/a.test.ts': statement })).toEqual([]);
  });

  it.each(['new Date(0);', 'Date.parse(text);', 'clock.now();', 'new Date(ms).toISOString();'])(
    'not the clock: %s',
    (statement) => expect(check({ 'tokens/a.ts': statement })).toEqual([]),
  );

  it.each(['Math.random();', `Math['random']();`, 'const { random: dice } = Math;'])(
    'randomness: %s nowhere, tests included',
    (statement) => {
      expect(check({ 'runtime/random.ts': statement })).toHaveLength(1);
      expect(check({ 'tokens/a.test.ts': statement })).toHaveLength(1);
    },
  );

  it.each([
    'process.env.HOME;',
    `process['env'];`,
    'const { env } = process;',
    'globalThis.process.env;',
    `import { env } from 'node:process';`,
    `import { env as e } from 'process';`,
  ])('the environment: %s only where it is read for everyone', (statement) => {
    expect(check({ 'http/a.ts': statement })).toHaveLength(1);
    expect(check({ 'cli/main.ts': statement })).toHaveLength(1);
    expect(check({ 'cli/environment.ts': statement, 'cli/a.test.ts': statement })).toEqual([]);
  });

  it.each([
    'export default 1;',
    'export default function f() {}',
    'export default class {}',
    'const x = 1; export { x as default };',
    `export { default } from './b.ts';`,
  ])('default exports: not %s', (statement) => {
    expect(check({ 'http/a.ts': statement, 'http/b.ts': '' })).toHaveLength(1);
  });
});

it('holds for this project', () => {
  expect(checkLayers(fileURLToPath(new URL('../..', import.meta.url)))).toEqual([]);
});
