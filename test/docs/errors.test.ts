import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { errorTable, type ErrorEntry } from '../../src/errors/error-table.ts';
import { root } from '../support/markdown.ts';

const script = join(root, 'scripts', 'generate-error-docs.mjs');
const { renderErrorDocs } = (await import(pathToFileURL(script).href)) as {
  renderErrorDocs: (table: Readonly<Record<string, ErrorEntry>>) => Promise<string>;
};
const page = readFileSync(join(root, 'docs', 'errors.md'), 'utf8');

describe('docs/errors.md', () => {
  it('is what scripts/generate-error-docs.mjs makes of the table of today', async () => {
    expect(page).toBe(await renderErrorDocs(errorTable));
  });

  it('changes with a code, a fix and a status', async () => {
    const entry: ErrorEntry = {
      kind: 'config',
      title: 'New',
      fix: 'Set A_B_C.',
      status: 418,
      audience: 'operator',
    };
    const changed = await renderErrorDocs({ ...errorTable, brand_new: entry });
    expect(changed).toContain(
      '### `brand_new`\n\n**New.** HTTP 418, kind `config`.\n\nFix: Set `A_B_C`.',
    );
  });

  it('is never written with a code left out', async () => {
    const stray = { ...errorTable.internal, audience: 'nobody' } as unknown as ErrorEntry;
    await expect(renderErrorDocs({ stray })).rejects.toThrow(/no section/);
  });

  it('is compared by --check with the codes of the build', async () => {
    const { errorTable: built } = (await import(
      pathToFileURL(join(root, 'dist', 'errors.js')).href
    )) as { errorTable: typeof errorTable };
    const run = promisify(execFile)(process.execPath, [script, '--check']);
    if ((await renderErrorDocs(built)) === page) await expect(run).resolves.toBeDefined();
    else await expect(run).rejects.toMatchObject({ code: 1 });
  });
});
