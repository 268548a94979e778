import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { anchorsOf, linksOf, listDocuments, readDocument, root } from '../support/markdown.ts';

const documents = listDocuments();

/** What is wrong with the links of a document, a line each. */
function brokenLinks(path: string): string[] {
  const { text } = readDocument(path);
  return linksOf(text).flatMap((link) => {
    if (/^https:\/\//.test(link)) return [];
    const [file = '', anchor] = link.split('#');
    const target = file === '' ? join(root, path) : join(root, dirname(path), file);
    if (!existsSync(target)) return [`${link}: no such file`];
    if (anchor === undefined) return [];
    const known = statSync(target).isFile() && anchorsOf(readFileSync(target, 'utf8')).has(anchor);
    return known ? [] : [`${link}: no such heading`];
  });
}

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

describe.each(documents)('%s', (path) => {
  it('links only to files and headings that exist', () => {
    expect(brokenLinks(path)).toEqual([]);
  });

  it('names only scripts that package.json has', () => {
    const { text } = readDocument(path);
    for (const [, name] of text.matchAll(/\bnpm run ([a-z:]+[a-z])/g)) {
      expect(Object.keys(manifest.scripts)).toContain(name);
    }
  });
});

describe('the documents', () => {
  it('are all there', () => {
    expect(documents).toEqual(
      expect.arrayContaining([
        'README.md',
        'CHANGELOG.md',
        'CONTRIBUTING.md',
        'SECURITY.md',
        'docs/cli.md',
        'docs/configuration.md',
        'docs/errors.md',
      ]),
    );
    expect(readFileSync(join(root, 'LICENSE'), 'utf8')).toContain('MIT License');
  });

  it('name every check that npm run check runs', () => {
    const { text } = readDocument('CONTRIBUTING.md');
    const names = [...(manifest.scripts['check'] ?? '').matchAll(/npm run ([a-z]+)/g)];
    expect(text).toContain(`# ${names.map(([, name]) => name).join(', ')}`);
  });
});

describe('the decision records', () => {
  const records = documents.filter((path) => path.startsWith('decisions/'));

  it('are numbered without a gap', () => {
    expect(records.toSorted().map((path) => path.slice(10, 13))).toEqual(
      records.map((_, index) => String(index + 1).padStart(3, '0')),
    );
  });

  it.each(records)('%s says context, choice, price and when to look again', (path) => {
    const { text } = readDocument(path);
    expect(text).toMatch(new RegExp(`^# ${path.slice(10, 13)}: \\S`));
    const labels = [...text.matchAll(/^\*\*([A-Z][a-z ]+)\.?\*\*/gm)].map(([, label]) => label);
    // Figures stand between, where there are any.
    const told = labels.filter((label) => label !== 'Measured');
    expect(told).toEqual(['Context', 'Choice', 'Price', 'Revisit when']);
    expect(text.split('\n').length).toBeLessThan(25);
  });
});
