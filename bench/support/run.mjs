/**
 * `npm run bench [part …] [-- --quick | --json]`: runs the parts that stand as `bench/<part>.mjs`,
 * each in a process of its own, and prints what they measured. Without a name all parts run, in
 * their quick form. A part exports
 *
 * - `about`: one line;
 * - `measure({ quick, note })`: answers rows `{ name, value, unit, aim? }`, where `aim` is
 *   `{ most }` or `{ least }`; `note` says what is going on.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { printPart } from './print-part.mjs';

const folder = new URL('..', import.meta.url);

/** @returns {string[]} the names of the parts */
export function listParts() {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.mjs'))
    .map((file) => file.slice(0, -'.mjs'.length))
    .sort();
}

/**
 * @param {string[]} args names of parts, `--quick`, `--full`, `--json`
 * @returns {Promise<number>} the exit code: 0 when every part ran, whether or not its aims are met
 */
export async function runBench(args) {
  const known = listParts();
  const names = args.filter((arg) => !arg.startsWith('--'));
  const flags = new Set(args.filter((arg) => arg.startsWith('--')));
  const wrong =
    names.find((name) => !known.includes(name)) ??
    [...flags].find((flag) => !['--quick', '--full', '--json'].includes(flag));
  if (wrong !== undefined) {
    process.stderr.write(
      `bench: there is no ${wrong}\nusage: npm run bench -- [${known.join(' | ')}] … [--quick | --full] [--json]\n`,
    );
    return 2;
  }
  const quick = flags.has('--quick') || (names.length === 0 && !flags.has('--full'));
  const json = flags.has('--json');
  const parts = [];
  for (const name of names.length > 0 ? names : known) {
    const part = await runPart(name, quick);
    if (part === undefined) return 1;
    parts.push(part);
    if (!json) printPart(part);
  }
  const machine = { node: process.version, cpus: cpus().length, platform: process.platform };
  if (json) process.stdout.write(`${JSON.stringify({ machine, quick, parts }, null, 2)}\n`);
  return 0;
}

/** In a process of its own: no part finds the memory and the compiled code of the one before. */
async function runPart(name, quick) {
  const program = fileURLToPath(new URL('part-process.mjs', import.meta.url));
  const child = fork(program, [name, ...(quick ? ['--quick'] : [])], {
    execArgv: ['--expose-gc'],
    // What a part prints by the way must not get into the JSON.
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  const loadBefore = loadavg()[0];
  let result;
  child.on('message', (message) => {
    if (message.note === undefined) result = message;
    else if (process.stderr.isTTY) process.stderr.write(`${name}: ${message.note}\n`);
  });
  const [code, signal] = await once(child, 'close');
  if (code !== 0 || result === undefined) {
    process.stderr.write(`bench: ${name} ended early (${signal ?? `code ${code}`})\n`);
    return undefined;
  }
  return { part: name, ...result, load: { before: loadBefore, after: loadavg()[0] } };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = await runBench(process.argv.slice(2));
}
