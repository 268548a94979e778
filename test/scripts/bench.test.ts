import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../support/markdown.ts';

interface Bench {
  listParts(): string[];
}

it('finds the parts of the bench by their files', async () => {
  const { listParts } = (await import(join(root, 'bench/support/run.mjs'))) as Bench;
  expect(listParts()).toEqual(expect.arrayContaining(['cache', 'calls', 'routes', 'sweeper']));
});

it('names the parts there are when asked for one that is not there', async () => {
  const module = JSON.stringify(join(root, 'bench/support/run.mjs'));
  const program = `import { runBench } from ${module};
    process.exitCode = await runBench(['speed']);`;
  const { code, stderr } = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
    execFile(process.execPath, ['--input-type=module', '-e', program], (error, _, stderr) =>
      resolve({ code: error?.code, stderr }),
    );
  });
  expect(code).toBe(2);
  expect(stderr).toContain('there is no speed');
  expect(stderr).toMatch(/cache \| calls/);
});
