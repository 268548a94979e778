#!/usr/bin/env node
/**
 * Writes docs/sandbox-seed.schema.json, the JSON Schema of seed files, and the reference at the end
 * of docs/sandbox.md: settings, scenarios and control routes, as built in dist. Run `npm run build`
 * first. The text before the reference is written by hand.
 *
 *   node scripts/generate-sandbox-docs.mjs           writes both
 *   node scripts/generate-sandbox-docs.mjs --check   exit code 1 when one is not up to date
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { z } from 'zod';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The page and the schema, absolute. */
export const sandboxDocsPath = join(root, 'docs', 'sandbox.md');
export const seedSchemaPath = join(root, 'docs', 'sandbox-seed.schema.json');

const mark = '<!-- Generated below this line by scripts/generate-sandbox-docs.mjs. -->';

/**
 * The JSON Schema of a zod schema as a file, in the project's format.
 *
 * @param {z.ZodType} schema
 * @returns {Promise<string>}
 */
export async function renderSeedSchema(schema) {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  const file = { $schema, title: 'Seed of a Keyshift sandbox', ...rest };
  const options = await resolveConfig(seedSchemaPath);
  return format(JSON.stringify(file), { ...options, parser: 'json' });
}

/**
 * The page with its reference made anew, in the project's format.
 *
 * @param {string} page the page as it is
 * @param {{ settingsTable: object, scenarioTable: readonly object[], controlRoutes: readonly object[] }} tables
 * @returns {Promise<string>}
 * @throws {Error} when the page has lost the line that the reference begins after
 */
export async function renderSandboxDocs(page, { settingsTable, scenarioTable, controlRoutes }) {
  const end = page.indexOf(mark);
  if (end < 0) throw new Error(`${sandboxDocsPath} lacks the line ${mark}`);
  const text = [
    page.slice(0, end) + mark,
    '## Settings',
    table(
      ['setting', 'values', 'default', 'known by', 'decides'],
      Object.entries(settingsTable).map(([name, entry]) => [
        `\`${name}\``,
        valuesOf(entry.schema),
        `\`${JSON.stringify(entry.default)}\``,
        entry.evidence,
        entry.means,
      ]),
    ),
    '## Scenarios',
    table(
      ['scenario', 'what goes wrong', 'takes'],
      scenarioTable.map(({ name, does, input }) => [`\`${name}\``, does, fieldsOf(input)]),
    ),
    '## Control routes',
    table(
      ['handle', 'request', 'does', 'fields'],
      controlRoutes.map(({ ability, method, path, does, input }) => [
        `\`${ability}()\``,
        `\`${method} /_sandbox${path}\``,
        does,
        fieldsOf(input),
      ]),
    ),
  ];
  const options = await resolveConfig(sandboxDocsPath);
  return format(text.join('\n\n'), { ...options, parser: 'markdown' });
}

function table(head, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function valuesOf(schema) {
  return describe(z.toJSONSchema(schema, { io: 'input' }));
}

function describe({ anyOf, enum: values, type }) {
  if (anyOf) return anyOf.map(describe).join(' or ');
  if (values) return values.map((value) => `\`${value}\``).join(', ');
  return type === 'null' ? '`null`' : type;
}

function fieldsOf(input) {
  return Object.entries(input.shape)
    .map(([name, field]) => `\`${name}\`${field.safeParse(undefined).success ? '' : ' (needed)'}`)
    .join(', ');
}

async function main(argv) {
  const load = (path) => import(new URL(`../dist/sandbox/${path}.js`, import.meta.url));
  const { seedSchema } = await load('seed/seed-schema');
  const tables = {
    ...(await load('context/settings')),
    ...(await load('control/scenario-table')),
    ...(await load('control/control-routes')),
  };
  const page = readFileSync(sandboxDocsPath, 'utf8');
  const fresh = {
    [sandboxDocsPath]: await renderSandboxDocs(page, tables),
    [seedSchemaPath]: await renderSeedSchema(seedSchema),
  };
  if (!argv.includes('--check')) {
    for (const [path, text] of Object.entries(fresh)) writeFileSync(path, text);
    return 0;
  }
  const stale = Object.entries(fresh).filter(([path, text]) => readFileSync(path, 'utf8') !== text);
  for (const [path] of stale) {
    process.stderr.write(`${path} is stale. Fix: node scripts/generate-sandbox-docs.mjs\n`);
  }
  return stale.length === 0 ? 0 : 1;
}

if (process.argv[1] && import.meta.url === pathToFileURL(resolve(process.argv[1])).href) {
  process.exitCode = await main(process.argv.slice(2));
}
