#!/usr/bin/env node
/**
 * Writes src/klaviyo/operations.json: every operation of Klaviyo's API with its scopes and rate
 * limits. Run it again on a newer file; the same input always gives the same output.
 *
 *   node scripts/import-operations.mjs <file> [--out <file>]
 *
 * <file> is one of
 *   - an operations file: {source, revision, betaRevision, operations, betaOperations}, which is
 *     also the form this script writes;
 *   - one of Klaviyo's OpenAPI files (openapi/stable.json or openapi/beta.json of klaviyo/openapi).
 *     Such a file holds one half: a revision that ends in ".pre" replaces the beta operations, any
 *     other the stable ones, and the other half stays as it is in the output file;
 *   - a file of beta operations: {source, revision, operations}, with a revision that ends in ".pre".
 *     They are added to the beta operations, in the place of those with the same method and path.
 *
 * --tag NAME tags operations of such a file that have no tag. --promoted <date>=<name>,… says which
 * beta operations became stable with a revision, by tag or id.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const defaultOut = resolve(
  dirname(fileURLToPath(import.meta.url)),
  '../src/klaviyo/operations.json',
);
const methods = ['get', 'post', 'put', 'patch', 'delete'];
const usage =
  'Usage: node scripts/import-operations.mjs <file> [--out <file>] [--tag <name>] [--promoted <date>=<tag or id>,…]';

class InputError extends Error {}

/** @param {string[]} argv */
function readArguments(argv) {
  const files = [];
  const options = { out: defaultOut, tag: undefined, promoted: undefined };
  for (let index = 0; index < argv.length; index++) {
    const name = argv[index].replace(/^--/, '');
    if (argv[index].startsWith('--') && Object.hasOwn(options, name)) {
      options[name] = argv[++index];
      if (options[name] === undefined) throw new InputError(`--${name} needs a value. ${usage}`);
    } else if (argv[index].startsWith('-')) {
      throw new InputError(`Unknown option ${argv[index]}. ${usage}`);
    } else files.push(argv[index]);
  }
  if (files.length !== 1) throw new InputError(usage);
  return { file: files[0], ...options };
}

function readJson(file) {
  let text;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new InputError(`Cannot read ${file}: ${error.message}`);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new InputError(`${file} is not JSON.`);
  }
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Turns any kind of input into the form that is written. */
function toOperationsFile(input, { out, tag, promoted }) {
  if (isObject(input) && Array.isArray(input.operations) && /\.pre$/.test(input.revision)) {
    return withBeta(input, out, { tag, promoted });
  }
  if (isObject(input) && Array.isArray(input.operations)) return fromOperationsFile(input);
  if (isObject(input) && typeof input.openapi === 'string' && isObject(input.paths)) {
    return fromOpenApi(input, out);
  }
  throw new InputError(
    'The file is neither an operations file (with "operations") nor an OpenAPI 3 file (with "openapi" and "paths").',
  );
}

function fromOperationsFile(input) {
  const { source, revision, betaRevision, operations, betaOperations } = input;
  if (typeof source !== 'string') throw new InputError('"source" is missing.');
  return { source, revision, betaRevision, operations, betaOperations };
}

/** Adds the beta operations of a file to those there are, and says what was promoted. */
function withBeta(input, out, { tag = 'Beta', promoted = '' }) {
  if (!existsSync(out)) {
    throw new InputError(`Import the stable OpenAPI file first: ${out} does not exist yet.`);
  }
  const current = fromOperationsFile(readJson(out));
  const [revision = '', names = ''] = promoted.split('=');
  const isPromoted = (operation) =>
    names.split(',').some((name) => name === operation.tag || name === operation.id);
  const place = ({ method, path }) => `${method} ${path}`;
  const all = new Map(current.betaOperations.map((operation) => [place(operation), operation]));
  for (const operation of input.operations) all.set(place(operation), { tag, ...operation });
  const betaOperations = [...all.values()].map((operation) =>
    isPromoted(operation) ? { ...operation, promotedIn: revision } : operation,
  );
  return { ...current, betaRevision: input.revision, betaOperations };
}

function fromOpenApi(spec, out) {
  const version = spec.info?.version;
  if (typeof version !== 'string')
    throw new InputError('"info.version" (the revision) is missing.');
  const operations = [];
  for (const [path, item] of Object.entries(spec.paths)) {
    for (const method of methods) {
      if (isObject(item?.[method]))
        operations.push(fromOpenApiOperation(path, method, item[method]));
    }
  }
  const current = existsSync(out) ? fromOperationsFile(readJson(out)) : undefined;
  const source = current?.source ?? 'klaviyo/openapi';
  if (!version.endsWith('.pre')) {
    const betaRevision = current?.betaRevision ?? `${version}.pre`;
    const betaOperations = current?.betaOperations ?? [];
    return { source, revision: version, betaRevision, operations, betaOperations };
  }
  if (!current) {
    throw new InputError(`Import the stable OpenAPI file first: ${out} does not exist yet.`);
  }
  return { ...current, betaRevision: version, betaOperations: operations };
}

function fromOpenApiOperation(path, method, operation) {
  const limits = operation['x-klaviyo-ratelimit'] ?? limitsOfDescription(operation.description);
  const scopes = operation['x-klaviyo-scopes'] ?? scopesOfDescription(operation.description);
  const success = Object.keys(operation.responses ?? {})
    .filter((status) => /^2\d\d$/.test(status))
    .sort()[0];
  return {
    id: operation.operationId,
    method: method.toUpperCase(),
    path,
    tag: operation.tags?.[0],
    scopes,
    burst: limits.burst,
    steady: limits.steady,
    ...(limits.daily === undefined ? {} : { daily: limits.daily }),
    success: Number(success),
  };
}

/** Older files name the limits only in words; those for special parameters come after the first. */
function limitsOfDescription(description = '') {
  const read = (name) => new RegExp(`${name}: \`([^\`]+)\``).exec(description)?.[1];
  return { burst: read('Burst'), steady: read('Steady'), daily: read('Daily') };
}

function scopesOfDescription(description = '') {
  const section = /\*\*Scopes:\*\*\s*((?:`[^`]+`\s*)+)/.exec(description)?.[1] ?? '';
  return [...section.matchAll(/`([^`]+)`/g)].map((match) => match[1]);
}

function check(file) {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(file.revision)) {
    throw new InputError(`The revision ${JSON.stringify(file.revision)} is not a date.`);
  }
  if (!/^\d{4}-\d{2}-\d{2}\.pre$/.test(file.betaRevision)) {
    throw new InputError(
      `The beta revision ${JSON.stringify(file.betaRevision)} is not <date>.pre.`,
    );
  }
  if (!Array.isArray(file.betaOperations)) throw new InputError('"betaOperations" is not a list.');
  if (file.operations.length === 0) throw new InputError('The file holds no operations.');
  for (const operation of [...file.operations, ...file.betaOperations]) checkOperation(operation);
  checkUnique(file.operations);
  checkUnique(file.betaOperations);
}

const fields = {
  id: (value) => /^[a-z][a-z0-9_]*$/.test(value),
  method: (value) => methods.includes(String(value).toLowerCase()) && value === value.toUpperCase(),
  path: (value) => /^\/(api|client)(\/([\w.-]+|\{\w+\}))+$/.test(value),
  tag: (value) => typeof value === 'string' && value !== '',
  scopes: (value) =>
    Array.isArray(value) && value.every((scope) => /^[a-z-]+:(read|write)$/.test(scope)),
  burst: (value) => /^\d+\/s$/.test(value),
  steady: (value) => /^\d+\/m$/.test(value),
  daily: (value) => value === undefined || /^\d+\/d$/.test(value),
  success: (value) => Number.isInteger(value) && value >= 200 && value < 300,
  optionalScopes: (value) =>
    value === undefined ||
    (Array.isArray(value) && value.every((scope) => /^[a-z-]+:(read|write)$/.test(scope))),
  promotedIn: (value) => value === undefined || /^\d{4}-\d{2}-\d{2}$/.test(value),
};

function checkOperation(operation) {
  const name = `${operation?.method} ${operation?.path}`;
  if (!isObject(operation)) throw new InputError('An operation is not an object.');
  for (const [field, isValid] of Object.entries(fields)) {
    if (!isValid(operation[field])) {
      throw new InputError(
        `${name}: "${field}" is ${JSON.stringify(operation[field])}, which is not understood.`,
      );
    }
  }
}

function checkUnique(operations) {
  const seen = new Set();
  for (const { id, method, path } of operations) {
    for (const key of [id, `${method} ${path}`]) {
      if (seen.has(key)) throw new InputError(`${key} appears twice.`);
      seen.add(key);
    }
  }
}

const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

function sorted(operations) {
  return operations
    .map((operation) => ({ ...operation, scopes: [...operation.scopes].sort() }))
    .sort((a, b) => compare(a.path, b.path) || compare(a.method, b.method));
}

/** Prints as Prettier does, so that the repository's format check agrees: scopes on one line. */
function print(file) {
  const list = (operations) =>
    sorted(operations).map((operation) =>
      Object.fromEntries(
        Object.keys(fields)
          .filter((field) => operation[field]?.length !== 0 || field === 'scopes')
          .filter((field) => operation[field] !== undefined)
          .map((field) => [field, operation[field]]),
      ),
    );
  const { source, revision, betaRevision } = file;
  const ordered = {
    source,
    revision,
    betaRevision,
    operations: list(file.operations),
    betaOperations: list(file.betaOperations),
  };
  const json = JSON.stringify(ordered, null, 2);
  return (
    json.replace(
      /^( *"(?:scopes|optionalScopes)": )\[\n([^\]]*)\n *\]/gm,
      (_, head, items) => `${head}[${items.trim().replace(/,\s+/g, ', ')}]`,
    ) + '\n'
  );
}

try {
  const { file, ...options } = readArguments(process.argv.slice(2));
  const { out } = options;
  const operationsFile = toOperationsFile(readJson(file), options);
  check(operationsFile);
  writeFileSync(out, print(operationsFile));
  const { revision, operations, betaOperations } = operationsFile;
  console.log(
    `${out}: revision ${revision}, ${operations.length} operations, ${betaOperations.length} beta.`,
  );
} catch (error) {
  if (!(error instanceof InputError)) throw error;
  console.error(`import-operations: ${error.message}`);
  process.exitCode = 1;
}
