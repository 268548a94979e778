#!/usr/bin/env node
/**
 * Writes the table of docs/sandbox-coverage.md: how the sandbox answers each operation of Klaviyo's
 * API, as built in dist. Run `npm run build` first. The text before the table is written by hand.
 *
 *   node scripts/generate-sandbox-coverage.mjs           writes the table
 *   node scripts/generate-sandbox-coverage.mjs --check   exit code 1 when it is not up to date
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { format, resolveConfig } from 'prettier';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The page, absolute. */
export const coverageDocsPath = join(root, 'docs', 'sandbox-coverage.md');

const mark = '<!-- Generated below this line by scripts/generate-sandbox-coverage.mjs. -->';

/**
 * The page with its table made anew, in the project's format.
 *
 * @param {string} page the page as it is
 * @param {readonly { id: string, method: string, path: string, tag: string }[]} operations
 * @param {(operationId: string) => 'stateful' | 'sample' | '501'} coverageOf
 * @returns {Promise<string>}
 * @throws {Error} when the page has lost the line that the table begins after
 */
export async function renderCoverage(page, operations, coverageOf) {
  const end = page.indexOf(mark);
  if (end < 0) throw new Error(`${coverageDocsPath} lacks the line ${mark}`);
  const text = [page.slice(0, end) + mark, summary(operations, coverageOf)];
  for (const tag of [...new Set(operations.map((operation) => operation.tag))]) {
    const rows = operations.filter((operation) => operation.tag === tag);
    text.push(`## ${tag}`, table(rows, coverageOf));
  }
  const options = await resolveConfig(coverageDocsPath);
  return format(text.join('\n\n'), { ...options, parser: 'markdown' });
}

function summary(operations, coverageOf) {
  const count = (wanted) => operations.filter(({ id }) => coverageOf(id) === wanted).length;
  return `Of ${operations.length} operations, ${count('stateful')} are stateful, ${count('sample')} answer with samples and ${count('501')} answer 501.`;
}

function table(rows, coverageOf) {
  const lines = rows.map(
    ({ id, method, path }) => `| \`${id}\` | \`${method} ${path}\` | ${coverageOf(id)} |`,
  );
  return ['| operation | request | answer |', '| --- | --- | --- |', ...lines].join('\n');
}

async function main(argv) {
  const { coverageOf } = await import(
    new URL('../dist/sandbox/api/resource-registry.js', import.meta.url)
  );
  const { operations, betaOperations } = await import(
    new URL('../dist/klaviyo/operations.js', import.meta.url)
  );
  const page = readFileSync(coverageDocsPath, 'utf8');
  const fresh = await renderCoverage(page, [...operations, ...betaOperations], coverageOf);
  if (!argv.includes('--check')) {
    writeFileSync(coverageDocsPath, fresh);
    return 0;
  }
  if (fresh === page) return 0;
  process.stderr.write(
    'docs/sandbox-coverage.md is stale. Fix: node scripts/generate-sandbox-coverage.mjs\n',
  );
  return 1;
}

if (process.argv[1] && import.meta.url === pathToFileURL(resolve(process.argv[1])).href) {
  process.exitCode = await main(process.argv.slice(2));
}
