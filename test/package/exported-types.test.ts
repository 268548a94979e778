import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const source = join(root, 'src');

/** The sandbox's entry shows rows of its state, which is its own matter. */
const entryNames = ['errors', 'express', 'index', 'klaviyo-api', 'server'];

/** Types of dependencies and of Node.js are exported where they come from. */
const isOwn = (file: string) => file.startsWith(source);

/** The parts of a declaration that its `.d.ts` shows: signatures, and no bodies or private members. */
function visibleTypes(node: ts.Node): ts.EntityName[] {
  const found: ts.EntityName[] = [];
  const visit = (each: ts.Node): void => {
    // Instances are made by Keyshift alone.
    if (ts.isBlock(each) || ts.isJSDoc(each) || ts.isConstructorDeclaration(each)) return;
    if (ts.isClassElement(each) && each.name && ts.isPrivateIdentifier(each.name)) return;
    if (ts.isTypeReferenceNode(each)) found.push(each.typeName);
    if (ts.isExpressionWithTypeArguments(each) && ts.isIdentifier(each.expression)) {
      found.push(each.expression);
    }
    ts.forEachChild(each, visit);
  };
  if (!ts.isVariableDeclaration(node)) visit(node);
  else if (node.type) visit(node.type);
  return found;
}

it('exports the type of everything that an exported member shows', () => {
  const entries = entryNames.map((name) => join(source, `${name}.ts`));
  const config = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path));
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  const program = ts.createProgram(entries, options);
  const checker = program.getTypeChecker();
  const resolve = (symbol: ts.Symbol) =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const exported = new Set(
    entries.flatMap((entry) => {
      const module = checker.getSymbolAtLocation(program.getSourceFile(entry)!);
      return module ? checker.getExportsOfModule(module).map(resolve) : [];
    }),
  );
  expect(exported.size).toBeGreaterThan(40);

  const missing = new Set<string>();
  for (const symbol of exported) {
    for (const declaration of symbol.declarations ?? []) {
      for (const name of visibleTypes(declaration)) {
        const found = checker.getSymbolAtLocation(name);
        const type = found && resolve(found);
        const [where] = type?.declarations ?? [];
        if (!type || !where || !isOwn(where.getSourceFile().fileName)) continue;
        if (ts.isTypeParameterDeclaration(where) || exported.has(type)) continue;
        missing.add(`${type.name}, shown by ${symbol.name}`);
      }
    }
  }
  expect([...missing].toSorted()).toEqual([]);
});
