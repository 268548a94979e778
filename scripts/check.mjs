import { runQuietly } from './run-quietly.mjs';

/** Every check before the tests: name → the script that Node runs, and its arguments. */
const checks = {
  format: ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.'],
  lint: ['node_modules/eslint/bin/eslint.js', '--max-warnings=0', '.'],
  types: ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json', '--pretty', 'false'],
  layers: ['node_modules/dependency-cruiser/bin/dependency-cruiser.mjs', 'src'],
};

/**
 * Runs all checks, or those named, side by side and prints a line for each, with its findings when
 * it has any.
 *
 * @param {string} root the clone's directory
 * @param {readonly string[]} [names]
 * @returns {Promise<number>} 0 when all are clean, 2 for an unknown name, else 1
 */
export async function check(root, names = []) {
  const unknown = names.filter((name) => !Object.hasOwn(checks, name));
  if (unknown.length > 0) {
    process.stderr.write(
      `no such check: ${unknown.join(', ')} (${Object.keys(checks).join(', ')})\n`,
    );
    return 2;
  }
  const chosen = names.length > 0 ? names : Object.keys(checks);
  const verdicts = await Promise.all(chosen.map((name) => runOne(root, name)));
  return verdicts.every(Boolean) ? 0 : 1;
}

async function runOne(root, name) {
  const startedMs = performance.now();
  const { code, output } = await runTool(root, checks[name]);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  const verdict = code === 0 ? 'ok' : 'FAILED';
  process.stdout.write(`${name.padEnd(8)}${verdict} (${seconds} s)\n${code === 0 ? '' : output}`);
  return code === 0;
}

/**
 * Runs one of the project's tools under this Node.
 *
 * @param {string} root the clone's directory
 * @param {readonly string[]} command the tool's script and its arguments
 * @returns {Promise<{ code: number, output: string }>}
 */
export function runTool(root, command) {
  const env = process.stdout.isTTY ? { ...process.env, FORCE_COLOR: '1' } : process.env;
  return runQuietly(process.execPath, command, { cwd: root, env });
}
