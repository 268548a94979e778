/** The layers, top to bottom; a layer may import itself and every row below its own. */
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

/** What is allowed beside the rows: a neighbour in the same row, or a layer that stands apart. */
const extra = {
  cli: ['sandbox'],
  oauth: ['klaviyo'],
  sandbox: ['klaviyo', 'runtime', 'errors'],
};

/** Layers that may import these alone, however many rows lie below. */
const only = { model: ['klaviyo', 'runtime', 'errors'] };

/** Entries (`src/<name>.ts`) may import every layer but this one, which only its own entry may. */
const reservedForEntry = { sandbox: 'src/sandbox.ts' };

/**
 * The layer of a file: the folder under `src`, `'entry'` for `src/<name>.ts`, or undefined for a
 * folder the rules do not know.
 *
 * @param {string} file path from the root, with slashes, such as `src/vault/vault.ts`
 * @returns {string | undefined}
 */
export function layerOf(file) {
  const parts = file.split('/');
  if (parts.length === 2) return 'entry';
  const layer = parts[1];
  return rowOf(layer) >= 0 || layer in extra ? layer : undefined;
}

/**
 * Why `from` may not import `to`, or undefined when it may. Both are paths under `src`.
 *
 * @param {string} from
 * @param {string} to
 * @returns {string | undefined}
 */
export function forbiddenImport(from, to) {
  if (isTest(from)) return undefined;
  if (isTest(to)) return 'imports a test file';
  const [upper, lower] = [layerOf(from), layerOf(to)];
  if (upper === undefined || lower === undefined) return undefined;
  if (lower === 'entry') return `imports the entry ${to}; import the file that defines it`;
  if (upper === 'entry') {
    const entry = reservedForEntry[lower];
    return entry && entry !== from ? `imports ${lower}, which only ${entry} may` : undefined;
  }
  return mayImport(upper, lower) ? undefined : `${upper} may not import ${lower}`;
}

function mayImport(upper, lower) {
  if (upper === lower || extra[upper]?.includes(lower)) return true;
  if (only[upper]) return only[upper].includes(lower);
  const [from, to] = [rowOf(upper), rowOf(lower)];
  return from >= 0 && to > from;
}

const rowOf = (layer) => rows.findIndex((row) => row.includes(layer));

/** @param {string} file */
export const isTest = (file) => /\.test\.tsx?$/.test(file) || !file.startsWith('src/');

/** Who may read what is otherwise passed in. */
const readers = {
  'the clock': (file) => file === 'src/runtime/clock.ts' || isTest(file),
  'Math.random': () => false,
  'process.env': (file) => file === 'src/cli/environment.ts' || isTest(file),
};

/**
 * Whether `file` may read `source` (`'the clock'`, `'Math.random'`, `'process.env'`) by itself.
 *
 * @param {string} file
 * @param {keyof typeof readers} source
 */
export const mayRead = (file, source) => readers[source](file);
