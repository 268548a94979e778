import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';
import { describe, expect, it } from 'vitest';
import { root } from '../support/markdown.ts';

// What is asked here needs no types, and the files are not there.
const eslint = new ESLint({
  cwd: root,
  overrideConfig: [{ files: ['**/*.ts'], ...(tseslint.configs.disableTypeChecked as object) }],
});

/** The rules about what must be passed in that `text` breaks as the file `src/<path>`. */
async function breaches(path: string, text: string): Promise<string[]> {
  const [result] = await eslint.lintText(text, { filePath: `src/${path}` });
  return result!.messages.flatMap(({ ruleId, fatal, message }) => {
    if (fatal) throw new Error(message);
    return ruleId?.startsWith('no-restricted') ? [ruleId] : [];
  });
}

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
    'performance.now();',
  ])('the clock: %s only in src/runtime/clock.ts and tests', async (statement) => {
    expect(await breaches('tokens/a.ts', statement)).toHaveLength(1);
    expect(await breaches('runtime/clock.ts', statement)).toEqual([]);
    expect(await breaches('tokens/a.test.ts', statement)).toEqual([]);
  });

  it.each(['new Date(0);', 'Date.parse(text);', 'clock.now();', 'new Date(ms).toISOString();'])(
    'not the clock: %s',
    async (statement) => expect(await breaches('tokens/a.ts', statement)).toEqual([]),
  );

  it.each([
    'setTimeout(() => {}, 5);',
    'const timer = setInterval(tick, 5);',
    'globalThis.setTimeout(tick, 5);',
    `import { setTimeout as delay } from 'node:timers/promises';`,
    `import { setInterval } from 'timers';`,
    'const signal = AbortSignal.timeout(5);',
  ])('timers: %s only in src/runtime/clock.ts and tests', async (statement) => {
    expect(await breaches('proxy/a.ts', statement)).toHaveLength(1);
    expect(await breaches('proxy/a.test.ts', statement)).toEqual([]);
    if (!statement.startsWith('import')) {
      expect(await breaches('runtime/clock.ts', statement)).toEqual([]);
    }
  });

  it.each(['setImmediate(next);', `import { setImmediate } from 'node:timers';`])(
    'not a timer: %s',
    async (statement) => expect(await breaches('store/a.ts', statement)).toEqual([]),
  );

  it.each(['Math.random();', `Math['random']();`, 'const { random: dice } = Math;'])(
    'randomness: %s nowhere, tests included',
    async (statement) => {
      for (const path of ['runtime/random.ts', 'runtime/clock.ts', 'tokens/a.test.ts']) {
        expect(await breaches(path, statement)).toHaveLength(1);
      }
    },
  );

  it.each([
    'process.env.HOME;',
    `process['env'];`,
    'const { env } = process;',
    'globalThis.process.env;',
    `import { env } from 'node:process';`,
    `import { env as e } from 'process';`,
  ])('the environment: %s only where it is read for everyone', async (statement) => {
    expect(await breaches('http/a.ts', statement)).toHaveLength(1);
    expect(await breaches('cli/main.ts', statement)).toHaveLength(1);
    expect(await breaches('cli/a.test.ts', statement)).toEqual([]);
  });

  it('the environment, which src/cli/environment.ts reads', async () => {
    expect(await breaches('cli/environment.ts', 'process.env.HOME;')).toEqual([]);
    expect(await breaches('cli/environment.ts', 'Date.now();')).toHaveLength(1);
  });
});

describe('exports and imports', () => {
  it.each([
    'export default 1;',
    'export default function f() {}',
    'export default class {}',
    'const x = 1; export { x as default };',
    `export { default } from './b.ts';`,
  ])('no default export: %s', async (statement) => {
    expect(await breaches('http/a.ts', statement)).toHaveLength(1);
    expect(await breaches('http/a.test.ts', statement)).toHaveLength(1);
  });

  it.each([`const x = await import('../' + name);`, `import { x } from 'keyshift';`])(
    'no way around the layers: %s',
    async (statement) => {
      expect(await breaches('http/a.ts', statement)).toHaveLength(1);
      expect(await breaches('http/a.test.ts', statement)).toEqual([]);
    },
  );

  it('are not misled by comments and strings', async () => {
    const text = `// Date.now()\nexport const x = 'Math.random() process.env';`;
    expect(await breaches('vault/a.ts', text)).toEqual([]);
  });
});
