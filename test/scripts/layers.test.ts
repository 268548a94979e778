import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cruise, type ICruiseResult, type IForbiddenRuleType } from 'dependency-cruiser';
import { describe, expect, it, onTestFinished } from 'vitest';
import { root } from '../support/markdown.ts';

const { default: config } = (await import(join(root, '.dependency-cruiser.mjs'))) as {
  default: { forbidden: IForbiddenRuleType[]; options: object };
};

/** The breaches in a tree given as path under `src` → text: `file → imported: rule`. */
async function check(files: Record<string, string>): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'keyshift-layers-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder, 'src', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  const ruleSet = { forbidden: config.forbidden };
  const options = { ...config.options, baseDir: folder, validate: true, ruleSet };
  const { output } = await cruise(['src'], options);
  const { violations } = (output as ICruiseResult).summary;
  return violations.map(({ from, to, rule }) => `${from} → ${to}: ${rule.name}`);
}

const exported = 'export const x = 1; export type X = 1;';

const rows = [
  ['cli'],
  ['console'],
  ['http'],
  ['proxy', 'klaviyo-sdk'],
  ['core'],
  ['migration', 'scopes'],
  ['client'],
  ['calls'],
  ['tokens'],
  ['store'],
  ['model'],
  ['vault', 'oauth', 'klaviyo'],
  ['runtime'],
  ['errors'],
];
const layers = [...rows.flat(), 'sandbox'];
const rowOf = (layer: string) => rows.findIndex((row) => row.includes(layer));

/** Exceptions to "a layer imports those below it". */
const exceptions: Record<string, boolean> = {
  'cli → sandbox': true,
  'oauth → klaviyo': true,
  'model → vault': false,
  'model → oauth': false,
  'sandbox → klaviyo': true,
  'sandbox → runtime': true,
  'sandbox → errors': true,
};

describe('layers', () => {
  const pairs = layers.flatMap((from) =>
    layers.filter((to) => to !== from).map((to) => ({ from, to, pair: `${from} → ${to}` })),
  );
  const mayImport = ({ from, to, pair }: (typeof pairs)[number]) =>
    exceptions[pair] ??
    (from !== 'sandbox' && to !== 'sandbox' && rowOf(from) >= 0 && rowOf(to) > rowOf(from));

  it('import only those below them, for every pair there is', async () => {
    const files: Record<string, string> = {};
    for (const layer of layers) files[`${layer}/b.ts`] = exported;
    for (const { from, to } of pairs) {
      files[`${from}/to-${to}.ts`] = `import { x } from '../${to}/b.ts';\nx;`;
    }
    const expected = pairs
      .filter((pair) => !mayImport(pair))
      .map(({ from, to }) => `src/${from}/to-${to}.ts → src/${to}/b.ts: ${from}-imports-downwards`);
    expect((await check(files)).sort()).toEqual(expected.sort());
  });

  it.each([
    `import type { X } from '../cli/b.ts';`,
    `import '../cli/b.ts';`,
    `export { x } from '../cli/b.ts';`,
    `export * from '../cli/b.ts';`,
    `const x = await import('../cli/b.ts');`,
    `let x: import('../cli/b.ts').X;`,
    `import { x } from '../cli/b.js'; x;`,
    `import { x } from '../runtime/../cli/b.ts'; x;`,
  ])('are seen through %s', async (statement) => {
    expect(await check({ 'store/a.ts': statement, 'cli/b.ts': exported })).toHaveLength(1);
  });

  it('are not misled by comments and strings', async () => {
    const text = `// import '../cli/b.ts';\nexport const x = "import '../cli/b.ts'";`;
    expect(await check({ 'vault/a.ts': text, 'cli/b.ts': exported })).toEqual([]);
  });

  it('know no folder that is in no layer', async () => {
    const files = {
      'misc/a.ts': `import { x } from '../errors/b.ts'; x;`,
      'errors/b.ts': exported,
    };
    expect(await check(files)).toEqual(['src/misc/a.ts → src/errors/b.ts: known-layer']);
    const back = { 'cli/a.ts': `import { x } from '../misc/b.ts'; x;`, 'misc/b.ts': exported };
    expect(await check(back)).toEqual(['src/cli/a.ts → src/misc/b.ts: cli-imports-downwards']);
  });

  it('let nobody import an entry, nor a test, nor a file outside src', async () => {
    const files = {
      'index.ts': exported,
      'cli/b.test.ts': exported,
      '../test/x.ts': exported,
      'cli/entry.ts': `import { x } from '../index.ts'; x;`,
      'other.ts': `import { x } from './index.ts'; x;`,
      'cli/test.ts': `import { x } from './b.test.ts'; x;`,
      'cli/outside.ts': `import { x } from '../../test/x.ts'; x;`,
    };
    const found = new Set((await check(files)).map((breach) => breach.split(' ', 1)[0]));
    expect([...found].sort()).toEqual(
      ['src/cli/entry.ts', 'src/cli/outside.ts', 'src/cli/test.ts', 'src/other.ts'].sort(),
    );
  });

  it('let an entry import every layer, but the sandbox only its own', async () => {
    const statement = `export { x } from './sandbox/a.ts';\nexport { x as y } from './cli/a.ts';`;
    const files = {
      'sandbox/a.ts': exported,
      'cli/a.ts': exported,
      'sandbox.ts': statement,
      'index.ts': statement,
    };
    expect(await check(files)).toEqual([
      'src/index.ts → src/sandbox/a.ts: sandbox-has-its-own-entry',
    ]);
  });

  it('let tests import anything', async () => {
    const statement = `import { x } from '../sandbox/a.ts'; x;`;
    const files = {
      'sandbox/a.ts': exported,
      'tokens/a.test.ts': statement,
      'tokens/a.test.tsx': statement,
    };
    expect(await check(files)).toEqual([]);
  });
});

describe('import cycles', () => {
  it('are found inside a layer, types included', async () => {
    const breaches = await check({
      'store/a.ts': `import { b } from './b.ts'; b;`,
      'store/b.ts': `import { c } from './c.ts'; c;`,
      'store/c.ts': `import type { a } from './a.ts'; let x: a;`,
      'store/d.ts': `import { a } from './a.ts'; a;`,
    });
    expect(breaches.length).toBeGreaterThan(0);
    for (const breach of breaches) expect(breach).toMatch(/^src\/store\/[abc]\.ts .*: no-cycle$/);
  });

  it('are not seen where two paths lead to one file', async () => {
    const breaches = await check({
      'store/a.ts': `import './b.ts'; import './c.ts';`,
      'store/b.ts': `import './d.ts';`,
      'store/c.ts': `import './d.ts';`,
      'store/d.ts': '',
    });
    expect(breaches).toEqual([]);
  });
});

it('lets source import only what package.json declares for those who install it', async () => {
  const files = {
    '../package.json': '{"dependencies":{"hono":"*"},"devDependencies":{"vitest":"*"}}',
    '../node_modules/hono/index.js': '',
    '../node_modules/vitest/index.js': '',
    'http/a.ts': `import 'hono';\nimport 'node:fs';`,
    'http/b.ts': `import 'vitest';`,
    'http/b.test.ts': `import 'vitest';`,
  };
  expect(await check(files)).toEqual([
    'src/http/b.ts → node_modules/vitest/index.js: declared-dependency',
  ]);
});
