import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { controlRoutes } from '../../src/sandbox/control/control-routes.ts';
import { scenarioTable } from '../../src/sandbox/control/scenario-table.ts';
import { parseSeed } from '../../src/sandbox/seed/parse-seed.ts';
import { seedSchema } from '../../src/sandbox/seed/seed-schema.ts';
import { settingsTable } from '../../src/sandbox/context/settings.ts';
import { startDocSession, type DocSession } from '../support/doc-session.ts';
import { readDocument, root } from '../support/markdown.ts';

interface Generator {
  renderSandboxDocs(page: string, tables: object): Promise<string>;
  renderSeedSchema(schema: unknown): Promise<string>;
}

const script = join(root, 'scripts', 'generate-sandbox-docs.mjs');
const { renderSandboxDocs, renderSeedSchema } = (await import(
  pathToFileURL(script).href
)) as Generator;
const page = readDocument('docs/sandbox.md');
const tables = { settingsTable, scenarioTable, controlRoutes };

describe('docs/sandbox.md', () => {
  it('ends with the reference that scripts/generate-sandbox-docs.mjs makes of today', async () => {
    expect(page.text).toBe(await renderSandboxDocs(page.text, tables));
  });

  it('changes with a scenario, a route and a setting', async () => {
    const changed = await renderSandboxDocs(page.text, {
      ...tables,
      scenarioTable: scenarioTable.slice(1),
    });
    expect(changed).not.toBe(page.text);
    expect(changed).not.toContain('| `lost-refresh-reply`');
  });

  it('shows seeds that are accepted, apart from the one that is to fail', () => {
    const seeds = page.parts.filter((part) => part.kind === 'fence' && part.language === 'yaml');
    const [first, second] = seeds.map((part) => parse(part.text) as unknown);
    expect(() => parseSeed(first)).not.toThrow();
    expect(() => parseSeed(second)).toThrow();
  });
});

describe('docs/sandbox-seed.schema.json', () => {
  it('is the schema of today', async () => {
    const file = readFileSync(join(root, 'docs', 'sandbox-seed.schema.json'), 'utf8');
    expect(file).toBe(await renderSeedSchema(seedSchema));
  });
});

describe('the test in docs/sandbox.md', async () => {
  const code = page.parts.find((part) => part.kind === 'fence' && part.language === 'ts');
  const folder = mkdtempSync(join(tmpdir(), 'keyshift-sandbox-docs-'));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  const file = join(folder, 'example.ts');
  const here = (code?.text ?? '')
    .replace("'vitest'", `'${import.meta.resolve('vitest')}'`)
    .replace("'keyshift/sandbox'", `'${join(root, 'src/sandbox.ts')}'`);
  writeFileSync(file, here);
  // Its tests become tests of this block.
  await import(file);
});

describe('a reader of docs/sandbox.md', () => {
  let session: DocSession;
  beforeAll(async () => {
    session = await startDocSession();
  });
  afterAll(() => session[Symbol.asyncDispose]());

  it('sees after every command what the page says', { timeout: 120_000 }, async () => {
    for (const part of page.parts) expect(await session.follow(part)).toEqual([]);
  });
});
