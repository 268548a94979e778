#!/usr/bin/env node
/**
 * Writes src/sandbox/api/samples/samples.json: one resource of each type that the sandbox can only
 * show a sample of, in the shape of Klaviyo's SDK (MIT licence) in node_modules, which is generated
 * from Klaviyo's OpenAPI file. Values are made up: the field's own name for a text, the first word
 * for an enumeration, the first of several shapes.
 *
 *   node scripts/import-samples.mjs
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const sdk = join(root, 'node_modules', 'klaviyo-api');
const out = join(root, 'src', 'sandbox', 'api', 'samples', 'samples.json');
const deepest = 5;

/** The collections whose shape is shown without being kept. */
const collections = ['object-types', 'push-tokens', 'reviews'];

const { operations } = JSON.parse(
  readFileSync(join(root, 'src', 'klaviyo', 'operations.json'), 'utf8'),
);
const apis = readdirSync(join(sdk, 'api'))
  .filter((name) => name.endsWith('Api.ts'))
  .map((name) => readFileSync(join(sdk, 'api', name), 'utf8'))
  .join('\n');

/** The source of a class of the SDK. */
function sourceOf(className) {
  const file = join(sdk, 'model', `${className[0].toLowerCase()}${className.slice(1)}.ts`);
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/** The members of a class of the SDK: their names on the wire and their types. */
function membersOf(className) {
  const source = sourceOf(className);
  const body = /export class \w+ \{([\s\S]*?)static /.exec(source)?.[1];
  if (body === undefined) return undefined;
  const onTheWire = new Map(
    [...source.matchAll(/"name": "(\w+)",\s*"baseName": "([^"]+)"/g)].map(([, name, base]) => [
      name,
      base,
    ]),
  );
  return [...body.matchAll(/^ {4}'([^']+)'\??: ([^;]+);/gm)].map(([, name, type]) => [
    onTheWire.get(name) ?? name,
    type,
  ]);
}

function valueOf(name, type, depth) {
  const word = /'([^']*)'/.exec(type)?.[1];
  if (word !== undefined) return type.includes('Array<') ? [word] : word;
  const element = /^Array<(.*)>/.exec(type)?.[1];
  if (element !== undefined)
    return [valueOf(name, element, depth)].filter((value) => value !== null);
  const [plain] = type.split(/ \| | = /);
  switch (plain) {
    case 'string':
      return /(^|_)url$/.test(name)
        ? 'https://sample.example/'
        : `Sample ${name.replaceAll('_', ' ')}`;
    case 'number':
      return 1;
    case 'boolean':
      return false;
    case 'Date':
      return '2026-01-01T00:00:00+00:00';
    case 'object':
      return {};
    default:
      return depth > deepest ? null : objectOf(plain, depth);
  }
}

function objectOf(className, depth) {
  const members = membersOf(className);
  if (members === undefined) {
    const choice = new RegExp(`export type ${className} = (\\w+) \\|`).exec(
      sourceOf(className),
    )?.[1];
    return choice === undefined ? null : valueOf('', choice, depth + 1);
  }
  return Object.fromEntries(members.map(([name, type]) => [name, valueOf(name, type, depth + 1)]));
}

const samples = collections.map((collection) => {
  const path = `/api/${collection}`;
  const list = operations.find((one) => one.method === 'GET' && one.path === path);
  const item = operations.find((one) => one.method === 'GET' && one.path === `${path}/{id}`);
  const method = list.id.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
  const reply = new RegExp(`public async ${method} \\(.*?body: (\\w+)`).exec(apis)?.[1];
  const type = new Map(membersOf(reply)).get('data');
  const resource = new Map(membersOf(/Array<(\w+)>/.exec(type)[1]));
  return {
    list: list.id,
    item: item.id,
    type: /'([^']+)'/.exec(resource.get('type'))[1],
    path: collection,
    attributes: objectOf(resource.get('attributes'), 0),
  };
});

const { version } = JSON.parse(readFileSync(join(sdk, 'package.json'), 'utf8'));
const document = {
  source: `shapes: klaviyo-api ${version} (MIT licence); values: made up`,
  samples,
};
const options = await resolveConfig(out);
writeFileSync(out, await format(JSON.stringify(document), { ...options, parser: 'json' }));
