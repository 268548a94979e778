#!/usr/bin/env node
/**
 * Writes src/sandbox/api/query/query-rules.json: which query parameters each operation of Klaviyo's
 * API takes, with the fields, includes, sort keys, filters and page sizes it allows. The source is
 * Klaviyo's own SDK (MIT licence) in node_modules, which is generated from Klaviyo's OpenAPI file.
 * Run it again after an update of the SDK; the same input always gives the same output.
 *
 *   node scripts/import-query-rules.mjs
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const sdk = join(root, 'node_modules', 'klaviyo-api');
const out = join(root, 'src', 'sandbox', 'api', 'query', 'query-rules.json');

const { operations } = JSON.parse(
  readFileSync(join(root, 'src', 'klaviyo', 'operations.json'), 'utf8'),
);
const idOf = new Map(operations.map(({ id, method, path }) => [`${method} ${path}`, id]));
const fieldLists = [];

/** The number of a list of fields in `fieldLists`: most operations share theirs with others. */
function fieldListNumber(fields) {
  const known = fieldLists.findIndex((list) => list.join() === fields.join());
  return known < 0 ? fieldLists.push(fields) - 1 : known;
}

const quoted = (text) => [...text.matchAll(/'([^']*)'/g)].map(([, word]) => word);

function rulesOf(documentation, code) {
  const rules = {};
  const parameters = code.matchAll(
    /localVarQueryParameters\['([^']+)'\] = ObjectSerializer\.serialize\((options\.)?\w+, "([^"]*)"/g,
  );
  for (const [, name, optional, type] of parameters) {
    if (!optional) (rules.required ??= []).push(name);
    const [, kind, resource] = /^((?:additional-)?fields)\[([\w-]+)\]$/.exec(name) ?? [];
    if (kind === 'fields') (rules.fields ??= {})[resource] = fieldListNumber(quoted(type));
    else if (kind) (rules.additional ??= {})[resource] = quoted(type);
    else if (name === 'include') rules.include = quoted(type);
    else if (name === 'sort') rules.sort = quoted(type).filter((key) => !key.startsWith('-'));
    else if (name === 'filter') rules.filter = filtersOf(documentation);
    else if (name === 'page[cursor]') rules.cursor = true;
    else if (name === 'page[size]') rules.size = sizeOf(documentation);
    else (rules.other ??= []).push(name);
  }
  return rules;
}

function filtersOf(documentation) {
  const text = documentation.replaceAll('&lt;br&gt;', '\n').replaceAll('&#x60;', '`');
  const filters = {};
  for (const [, field, operators] of text.matchAll(/^`([^`]+)`: ((?:`[\w-]+`(?:, )?)+)/gm)) {
    filters[field] = [...operators.matchAll(/`([\w-]+)`/g)].map(([, operator]) => operator);
  }
  return filters;
}

function sizeOf(documentation) {
  const found = /@param pageSize Default: (\d+)\. Min: (\d+)\. Max: (\d+)/.exec(documentation);
  if (!found) throw new Error(`page sizes are not documented as before: ${documentation}`);
  return { default: Number(found[1]), min: Number(found[2]), max: Number(found[3]) };
}

const rules = {};
for (const file of readdirSync(join(sdk, 'api')).filter((name) => name.endsWith('Api.ts'))) {
  const source = readFileSync(join(sdk, 'api', file), 'utf8');
  const methods = source.split(/\n {4}public async /);
  for (let index = 1; index < methods.length; index++) {
    const path = /localVarPath = this\.basePath \+ '([^']+)'/.exec(methods[index])?.[1];
    const method = /method: '([A-Z]+)'/.exec(methods[index])?.[1];
    const id = idOf.get(`${method} ${path}`);
    if (!id) continue;
    const documentation = methods[index - 1].slice(methods[index - 1].lastIndexOf('/**'));
    const found = rulesOf(documentation, methods[index]);
    if (Object.keys(found).length > 0) rules[id] = found;
  }
}

const { version } = JSON.parse(readFileSync(join(sdk, 'package.json'), 'utf8'));
const sorted = Object.fromEntries(
  Object.entries(rules).toSorted(([one], [other]) => one.localeCompare(other)),
);
const document = { source: `klaviyo-api ${version} (MIT licence)`, fieldLists, operations: sorted };
const options = await resolveConfig(out);
writeFileSync(out, await format(JSON.stringify(document), { ...options, parser: 'json' }));
process.stdout.write(`${Object.keys(rules).length} operations with query parameters\n`);
