import ts from 'typescript';

/**
 * What the layer check needs to know of one source file.
 *
 * @typedef {object} Scan
 * @property {{ specifier: string | undefined, line: number }[]} imports every import, export-from,
 *   `import()` and import type; `specifier` is undefined when it is computed at run time
 * @property {{ source: string, line: number }[]} reads uses of the clock, randomness, environment
 * @property {number[]} defaultExports lines
 */

/**
 * Parses one TypeScript file.
 *
 * @param {string} path
 * @param {string} text
 * @returns {Scan}
 */
export function scanSource(path, text) {
  const kind = path.endsWith('x') ? ts.ScriptKind.TSX : ts.ScriptKind.TS;
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true, kind);
  const lineOf = (node) => file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;
  const scan = { imports: [], reads: [], defaultExports: [] };

  const visit = (node) => {
    const imported = importOf(node);
    if (imported) scan.imports.push({ specifier: imported.specifier, line: lineOf(node) });
    const source = readOf(node);
    if (source) scan.reads.push({ source, line: lineOf(node) });
    if (isDefaultExport(node)) scan.defaultExports.push(lineOf(node));
    ts.forEachChild(node, visit);
  };
  visit(file);
  return scan;
}

function importOf(node) {
  if (ts.isImportDeclaration(node)) return literal(node.moduleSpecifier);
  if (ts.isExportDeclaration(node) && node.moduleSpecifier) return literal(node.moduleSpecifier);
  if (ts.isExternalModuleReference(node)) return literal(node.expression);
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return literal(node.argument.literal);
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return literal(node.arguments[0]);
  }
  return undefined;
}

const literal = (node) => ({
  specifier: node && ts.isStringLiteralLike(node) ? node.text : undefined,
});

function readOf(node) {
  if (isMember(node, 'Date', 'now') || isBareDate(node)) return 'the clock';
  if (isMember(node, 'Math', 'random')) return 'Math.random';
  if (isMember(node, 'process', 'env') || isEnvImport(node)) return 'process.env';
  return undefined;
}

/** `object.member`, `object['member']`, `globalThis.object.member` or `const { member } = object`. */
function isMember(node, object, member) {
  if (ts.isPropertyAccessExpression(node)) {
    return node.name.text === member && isGlobal(node.expression, object);
  }
  if (ts.isElementAccessExpression(node)) {
    const key = node.argumentExpression;
    return ts.isStringLiteralLike(key) && key.text === member && isGlobal(node.expression, object);
  }
  if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name) && node.initializer) {
    const names = node.name.elements.map((element) => (element.propertyName ?? element.name).text);
    return names.includes(member) && isGlobal(node.initializer, object);
  }
  return false;
}

function isGlobal(node, name) {
  if (ts.isIdentifier(node)) return node.text === name;
  return (
    ts.isPropertyAccessExpression(node) &&
    node.name.text === name &&
    ts.isIdentifier(node.expression) &&
    ['globalThis', 'global'].includes(node.expression.text)
  );
}

/** `new Date()` and `Date()` read the clock; `new Date(ms)` only converts. */
function isBareDate(node) {
  if (ts.isNewExpression(node)) {
    return isGlobal(node.expression, 'Date') && (node.arguments?.length ?? 0) === 0;
  }
  return ts.isCallExpression(node) && isGlobal(node.expression, 'Date');
}

/** `import { env } from 'node:process'`. */
function isEnvImport(node) {
  if (!ts.isImportDeclaration(node)) return false;
  if (!/^(?:node:)?process$/.test(literal(node.moduleSpecifier).specifier ?? '')) return false;
  const bindings = node.importClause?.namedBindings;
  return (
    bindings !== undefined &&
    ts.isNamedImports(bindings) &&
    bindings.elements.some((element) => (element.propertyName ?? element.name).text === 'env')
  );
}

function isDefaultExport(node) {
  if (ts.isExportAssignment(node)) return true;
  if (ts.isExportSpecifier(node)) return node.name.text === 'default';
  return (
    ts.canHaveModifiers(node) &&
    ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword) === true
  );
}
