import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);

/** Prints the capacity of the young generation after work under it, and after the same work freely. */
const program = `
import { getHeapSpaceStatistics } from 'node:v8';
import { withSmallYoungGeneration } from ${JSON.stringify(import.meta.resolve('./young-generation.ts'))};
const kept = [];
const work = async () => {
  for (let count = 0; count < 400_000; count += 1) kept.push({ text: 'x' + count });
};
const capacity = () => {
  const { physical_space_size: bytes } = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
  return bytes / 2 ** 20;
};
await withSmallYoungGeneration(work).catch(() => undefined);
const small = capacity();
await work();
console.log(JSON.stringify({ small, free: capacity() }));
`;

describe('the young generation of V8', () => {
  it('stays small during the work, grows again after it, and nothing is said of it', async () => {
    const args = [
      '--experimental-strip-types',
      '--no-warnings',
      '--input-type=module',
      '-e',
      program,
    ];
    const { stdout, stderr } = await run(process.execPath, args);
    expect(stderr).toBe('');
    const { small, free } = JSON.parse(stdout) as { small: number; free: number };
    expect(small).toBeLessThanOrEqual(4);
    expect(free).toBeGreaterThan(small * 2);
  });
});
