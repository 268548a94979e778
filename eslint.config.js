import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const nodeGlobals = Object.fromEntries(
  ['AbortController', 'AbortSignal', 'Buffer', 'URL', 'clearInterval', 'clearTimeout', 'console']
    .concat(['fetch', 'performance', 'process', 'setImmediate', 'setInterval', 'setTimeout'])
    .map((name) => [name, 'readonly']),
);

const passedIn = 'take it as a parameter';

/** Time, randomness and the environment are passed in: who reads them, and the rest may not. */
const clockReads = [
  { object: 'Date', property: 'now', message: `Reads the clock: ${passedIn}.` },
  { object: 'performance', property: 'now', message: `Reads the clock: ${passedIn}.` },
  { object: 'AbortSignal', property: 'timeout', message: `Waits by itself: ${passedIn}.` },
];
const environmentReads = [
  { object: 'process', property: 'env', message: `Reads the environment: ${passedIn}.` },
];
const randomReads = [
  { object: 'Math', property: 'random', message: `Is random: ${passedIn}, or take node:crypto.` },
];
const newDates = ['NewExpression[arguments.length=0]', 'CallExpression'].map((call) => ({
  selector: `${call}[callee.name='Date']`,
  message: `Reads the clock: ${passedIn}.`,
}));
const defaultExports = [
  'ExportDefaultDeclaration',
  "ExportSpecifier[exported.name='default']",
  "ExportSpecifier[exported.value='default']",
].map((selector) => ({ selector, message: 'Export by name.' }));
const computedImport = {
  selector: "ImportExpression[source.type!='Literal']",
  message: 'Import a path that can be read: what is computed escapes the layers.',
};
const timers = ['setTimeout', 'setInterval'];
const ownName = {
  group: ['keyshift', 'keyshift/*'],
  message: 'Import the file that defines the name.',
};
const environmentImport = {
  group: ['process', 'node:process'],
  importNames: ['env'],
  message: `Reads the environment: ${passedIn}.`,
};
const timerImport = {
  group: ['timers', 'node:timers', 'timers/promises', 'node:timers/promises'],
  importNames: timers,
  message: 'Waits by itself: take a Clock.',
};

export default defineConfig(
  globalIgnores(['dist/', 'node_modules/', '.node/', 'data/', 'coverage/', 'test/samples/']),
  js.configs.recommended,
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allowNullish: true },
      ],
      // tsconfig's noPropertyAccessFromIndexSignature asks for the opposite.
      '@typescript-eslint/dot-notation': 'off',
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidOperator: true },
      ],
      // What createX() returns are closures: they have no `this` to lose.
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-dynamic-delete': 'off',
      // A method of an interface may be async because another implementation has to wait.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-misused-promises': [
        'error',
        { checksVoidReturn: { arguments: false, attributes: false } },
      ],
    },
  },
  {
    files: ['src/**/*.ts', 'src/**/*.tsx'],
    rules: {
      'no-restricted-properties': ['error', ...randomReads],
      'no-restricted-syntax': ['error', ...defaultExports],
    },
  },
  {
    files: ['src/**/*.ts', 'src/**/*.tsx'],
    ignores: ['**/*.test.ts', '**/*.test.tsx'],
    rules: {
      'no-console': 'error',
      'max-lines': ['error', 500],
      'max-lines-per-function': ['error', { max: 120, skipBlankLines: true, skipComments: true }],
      'no-restricted-globals': ['error', 'globalThis', 'global', ...timers],
      'no-restricted-imports': ['error', { patterns: [ownName, environmentImport, timerImport] }],
      'no-restricted-properties': ['error', ...randomReads, ...clockReads, ...environmentReads],
      'no-restricted-syntax': ['error', ...defaultExports, ...newDates, computedImport],
    },
  },
  {
    files: ['src/runtime/clock.ts'],
    rules: {
      'no-restricted-globals': 'off',
      'no-restricted-properties': ['error', ...randomReads, ...environmentReads],
      'no-restricted-syntax': ['error', ...defaultExports, computedImport],
    },
  },
  {
    files: ['src/cli/environment.ts'],
    rules: { 'no-restricted-properties': ['error', ...randomReads, ...clockReads] },
  },
  {
    files: ['**/*.test.ts', '**/*.test.tsx', 'test/**'],
    rules: {
      // Tests look into values whose shape the assertion itself proves.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-misused-spread': 'off',
      // A JSX element becomes its HTML as a string.
      '@typescript-eslint/no-base-to-string': 'off',
    },
  },
  {
    files: ['**/*.mjs', '**/*.js'],
    languageOptions: { globals: nodeGlobals },
    rules: { 'max-lines': ['error', 500] },
  },
  {
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'prefer-const': 'error',
      'object-shorthand': 'error',
    },
  },
);
