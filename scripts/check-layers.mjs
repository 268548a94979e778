import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { findCycles } from './find-cycles.mjs';
import { forbiddenImport, isTest, layerOf, mayRead } from './layer-rules.mjs';
import { scanSource } from './scan-source.mjs';

/**
 * Checks every file under `src` against the layers of the design: imports point downwards, no
 * cycles, no default exports, and the clock, randomness and the environment are passed in.
 *
 * @param {string} root the clone's directory
 * @returns {string[]} a line per violation: `file:line what is wrong`
 */
export function checkLayers(root) {
  const files = sourceFiles(root);
  const violations = [];
  const graph = new Map();
  for (const file of files) {
    const scan = scanSource(file, readFileSync(join(root, file), 'utf8'));
    const found = (line, text) => violations.push({ file, line, text });
    if (layerOf(file) === undefined) {
      found(1, `src/${file.split('/')[1]} is in no layer; add it to scripts/layer-rules.mjs`);
    }
    checkReads(file, scan, found);
    checkImports(root, file, scan, found, graph);
  }
  for (const cycle of findCycles(graph)) {
    const [file, next] = cycle;
    const line = graph.get(file).get(next);
    violations.push({ file, line, text: `import cycle: ${cycle.join(' → ')}` });
  }
  return violations
    .sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line)
    .map(({ file, line, text }) => `${file}:${line} ${text}`);
}

function checkReads(file, scan, found) {
  for (const { source, line } of scan.reads) {
    if (!mayRead(file, source)) found(line, `reads ${source}; take it as a parameter`);
  }
  for (const line of scan.defaultExports) found(line, 'has a default export; export by name');
}

function checkImports(root, file, scan, found, graph) {
  const targets = new Map();
  for (const { specifier, line } of scan.imports) {
    if (specifier === undefined) {
      if (!isTest(file)) found(line, 'imports a computed path, which cannot be checked');
      continue;
    }
    if (specifier === 'keyshift' || specifier.startsWith('keyshift/')) {
      if (!isTest(file))
        found(line, 'imports this package by name; import the file that defines it');
      continue;
    }
    const target = resolveImport(root, file, specifier);
    if (target === undefined) continue;
    if (!target.startsWith('src/')) {
      if (!isTest(file) && target !== 'package.json') found(line, `imports ${target}, outside src`);
      continue;
    }
    const reason = forbiddenImport(file, target);
    if (reason) found(line, reason);
    if (!targets.has(target)) targets.set(target, line);
  }
  graph.set(file, targets);
}

/** The file a relative specifier means, as a path from the root; undefined for packages. */
function resolveImport(root, file, specifier) {
  if (!specifier.startsWith('.')) return undefined;
  const path = posix.normalize(posix.join(posix.dirname(file), specifier));
  const stem = path.replace(/\.jsx?$/, '');
  const candidates = [path, `${stem}.ts`, `${stem}.tsx`, `${path}/index.ts`];
  return candidates.find((name) => /\.\w+$/.test(name) && existsSync(join(root, name))) ?? path;
}

function sourceFiles(root) {
  return readdirSync(join(root, 'src'), { recursive: true })
    .map((name) => `src/${name.replaceAll('\\', '/')}`)
    .filter((name) => /\.tsx?$/.test(name) && !name.endsWith('.d.ts'))
    .sort();
}

function main() {
  const root = resolve(process.argv[2] ?? dirname(dirname(fileURLToPath(import.meta.url))));
  const violations = checkLayers(root);
  for (const violation of violations) process.stdout.write(`${violation}\n`);
  if (violations.length > 0) process.exitCode = 1;
}

if (process.argv[1] && import.meta.url === pathToFileURL(resolve(process.argv[1])).href) main();
