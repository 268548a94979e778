import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs Vitest on a project of its own, made of `files`, and answers what the reporter wrote. */
async function summaryOf(files: Record<string, string>): Promise<{ line: string; code: number }> {
  const directory = mkdtempSync(join(tmpdir(), 'keyshift-summary-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const summary = join(directory, 'summary');
  const reporter = join(root, 'test/support/summary-reporter.ts');
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  writeFileSync(
    join(directory, 'vitest.config.ts'),
    `import { createSummaryReporter } from ${JSON.stringify(reporter)};
     export default { test: { globals: true, reporters: [createSummaryReporter(${JSON.stringify(summary)})] } };`,
  );
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const child = spawn(process.execPath, [vitest, 'run'], { cwd: directory, stdio: 'ignore' });
  const [code] = (await once(child, 'exit')) as [number];
  return { line: readFileSync(summary, 'utf8'), code };
}

it('counts failed tests, suites that do not load, failing hooks and stray errors', async () => {
  const { line, code } = await summaryOf({
    'mixed.test.ts': `it('a', () => {}); it('b', () => { throw new Error('no'); }); it.skip('c', () => {});`,
    'unloadable.test.ts': `import './missing.ts'; it('d', () => {});`,
    'hook.test.ts': `afterAll(() => { throw new Error('no'); }); it('e', () => {});`,
    'stray.test.ts': `it('f', () => { setTimeout(() => { throw new Error('no'); }); return new Promise((r) => setTimeout(r, 50)); });`,
  });
  expect(line).toBe('3 passed, 4 failed\n');
  expect(code).not.toBe(0);
});

it('counts a run in which all is well', async () => {
  const { line, code } = await summaryOf({
    'fine.test.ts': `it('a', () => {}); describe('in', () => { it('b', () => {}); });`,
  });
  expect(line).toBe('2 passed, 0 failed\n');
  expect(code).toBe(0);
});

it('does not take a run without tests for a success', async () => {
  const { line, code } = await summaryOf({ 'empty.test.ts': '' });
  expect(line).toBe('0 passed, 1 failed\n');
  expect(code).not.toBe(0);
});
