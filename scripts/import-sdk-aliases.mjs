/**
 * Writes `src/klaviyo/sdk-aliases.json`: former and second names of the SDK's methods, each with
 * the operation it calls, as the installed `klaviyo-api` defines them. Run it again after an update
 * of that package: `node scripts/import-sdk-aliases.mjs [--out FILE]`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { cloneRoot } from './setup.mjs';

const sdk = createRequire(import.meta.url)('klaviyo-api');
const table = join(cloneRoot, 'src', 'klaviyo', 'operations.json');
const { operations } = JSON.parse(readFileSync(table, 'utf8'));
const ids = new Set(operations.map(({ id }) => id));

const toSnakeCase = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** A method and its aliases are one function under several names. */
function aliasesOf(api) {
  const names = Object.getOwnPropertyNames(api.prototype).filter((name) => name !== 'constructor');
  const operationOf = new Map(
    names
      .filter((name) => ids.has(toSnakeCase(name)))
      .map((name) => [api.prototype[name], toSnakeCase(name)]),
  );
  return names
    .filter((name) => !ids.has(toSnakeCase(name)) && operationOf.has(api.prototype[name]))
    .map((name) => [toSnakeCase(name), operationOf.get(api.prototype[name])]);
}

const aliases = Object.entries(sdk)
  .filter(([name, value]) => name.endsWith('Api') && typeof value === 'function')
  .flatMap(([, api]) => aliasesOf(api))
  .sort(([one], [other]) => (one < other ? -1 : 1));

const outAt = process.argv.indexOf('--out');
const out =
  outAt > 0 ? process.argv[outAt + 1] : join(cloneRoot, 'src', 'klaviyo', 'sdk-aliases.json');
writeFileSync(out, `${JSON.stringify(Object.fromEntries(aliases), null, 2)}\n`);
process.stdout.write(`${aliases.length} aliases written\n`);
