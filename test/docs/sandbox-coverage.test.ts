import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { betaOperations, operations, type Operation } from '../../src/klaviyo/operations.ts';
import { coverageOf, type Coverage } from '../../src/sandbox/api/resource-registry.ts';
import { root } from '../support/markdown.ts';

const script = join(root, 'scripts', 'generate-sandbox-coverage.mjs');
const { renderCoverage } = (await import(pathToFileURL(script).href)) as {
  renderCoverage: (
    page: string,
    operations: readonly Operation[],
    coverageOf: (id: string) => Coverage,
  ) => Promise<string>;
};
const page = readFileSync(join(root, 'docs', 'sandbox-coverage.md'), 'utf8');
const all = [...operations, ...betaOperations];

describe('docs/sandbox-coverage.md', () => {
  it('is what scripts/generate-sandbox-coverage.mjs makes of the sandbox of today', async () => {
    expect(page).toBe(await renderCoverage(page, all, coverageOf));
  });

  it('names every operation of the table once', () => {
    for (const { id } of all) expect(page.split(`\`${id}\``)).toHaveLength(2);
  });

  it('changes when an operation is answered differently, or is new', async () => {
    const lacking = (): Coverage => '501';
    expect(await renderCoverage(page, all, lacking)).not.toBe(page);
    const added = { ...all[0]!, id: 'brand_new' };
    expect(await renderCoverage(page, [...all, added], coverageOf)).toContain('`brand_new`');
  });

  it('is never written without the line it begins after', async () => {
    await expect(renderCoverage('# Page', all, coverageOf)).rejects.toThrow(/lacks the line/);
  });
});
