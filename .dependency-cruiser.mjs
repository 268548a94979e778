/** The layers of `src`, top to bottom: a layer may import itself and every row below its own. */
const rows = [
  ['cli'],
  ['console'],
  ['http'],
  ['proxy', 'klaviyo-sdk'],
  ['core'],
  ['migration', 'scopes'],
  ['client'],
  ['calls'],
  ['tokens'],
  ['store'],
  ['model'],
  ['vault', 'oauth', 'klaviyo'],
  ['runtime'],
  ['errors'],
];

/** Allowed beside the rows: a neighbour in the same row, or the sandbox, which stands apart. */
const extra = { cli: ['sandbox'], oauth: ['klaviyo'] };

/** Layers that may import these alone, however many rows lie below. */
const only = {
  model: ['klaviyo', 'runtime', 'errors'],
  sandbox: ['klaviyo', 'runtime', 'errors'],
};

const layers = [...rows.flat(), 'sandbox'];
const tests = '\\.test\\.tsx?$';
const entries = '^src/[^/]+$';
const foldersOf = (names) => `^src/(?:${names.join('|')})/`;

function importable(layer) {
  const row = rows.findIndex((names) => names.includes(layer));
  const below = only[layer] ?? rows.slice(row + 1).flat();
  return [layer, ...below, ...(extra[layer] ?? [])];
}

const downwards = layers.map((layer) => ({
  name: `${layer}-imports-downwards`,
  comment: `${layer} may import ${importable(layer).slice(1).join(', ') || 'no other layer'}.`,
  from: { path: `^src/${layer}/`, pathNot: tests },
  to: { path: '^src/', pathNot: foldersOf(importable(layer)) },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...downwards.map((rule) => ({ severity: 'error', ...rule })),
    {
      name: 'known-layer',
      comment: 'Every folder of src is a layer: add it to the rows.',
      severity: 'error',
      from: { path: '^src/[^/]+/', pathNot: foldersOf(layers) },
      to: {},
    },
    {
      name: 'entry-is-the-end',
      comment: 'Nobody imports an entry: import the file that defines the name.',
      severity: 'error',
      from: { path: '^src/', pathNot: tests },
      to: { path: entries },
    },
    {
      name: 'sandbox-has-its-own-entry',
      severity: 'error',
      from: { path: entries, pathNot: '^src/sandbox\\.ts$' },
      to: { path: '^src/sandbox/' },
    },
    {
      name: 'no-cycle',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true },
    },
    {
      name: 'source-imports-no-test',
      severity: 'error',
      from: { path: '^src/', pathNot: tests },
      to: { path: `^test/|${tests}` },
    },
    {
      name: 'source-stays-in-src',
      severity: 'error',
      from: { path: '^src/', pathNot: tests },
      to: { dependencyTypes: ['local'], pathNot: '^src/|^package\\.json$' },
    },
    {
      name: 'declared-dependency',
      comment: 'What is published imports what its package.json declares for it.',
      severity: 'error',
      from: { path: '^src/', pathNot: tests },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['type-only', 'npm-peer'],
      },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node'] },
  },
};
