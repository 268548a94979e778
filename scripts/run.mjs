import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { withNodeFirst } from './bootstrap.mjs';
import { printFailure } from './progress.mjs';
import { endWithNpm, endWithRelay, relay } from './relay.mjs';
import { cloneRoot, setUp } from './setup.mjs';

/** What `npm run <name>` does; each is given the arguments after `--` and answers the exit code. */
const commands = {
  setup: runSetup,
  build: runSetup,
  start: (args) => keyshift(['serve', ...args]),
  demo: (args) => keyshift(['demo', ...args]),
  test: (args) => underRightNode(() => runTests(args)),
  check: (args) => underRightNode(() => runChecks(args)),
  format: (args) => underRightNode(() => runFormat(args)),
  bench: (args) => underRightNode(() => runMeasurements(args)),
};

endWithNpm();
try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  printFailure(error);
  process.exitCode = 1;
}

async function run([name, ...args]) {
  if (name === undefined || !Object.hasOwn(commands, name)) {
    const known = Object.keys(commands).join(' | ');
    process.stderr.write(`usage: node scripts/run.mjs ${known} [arguments]\n`);
    return 2;
  }
  return commands[name](args);
}

async function runSetup() {
  await setUp();
  process.stderr.write('keyshift: set-up is complete\n');
  return 0;
}

/** Runs the command line in this process, as if it had been started by hand; it sets itself up. */
async function keyshift(args) {
  const entry = join(cloneRoot, 'bin', 'keyshift.mjs');
  process.argv = [process.argv[0], entry, ...args];
  await import(pathToFileURL(entry).href);
  return process.exitCode;
}

/** Runs `work` here when this Node will do, else this whole command again under the right one. */
async function underRightNode(work) {
  endWithRelay();
  const node = await setUp();
  if (node !== process.execPath) {
    return relay(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)]);
  }
  Object.assign(process.env, withNodeFirst(node));
  return work();
}

async function runTests(args) {
  const vitest = join(cloneRoot, 'node_modules', 'vitest', 'vitest.mjs');
  process.argv = [process.argv[0], vitest, 'run', ...args];
  await import(pathToFileURL(vitest).href);
  return process.exitCode;
}

async function runChecks(args) {
  const { check } = await import('./check.mjs');
  return check(cloneRoot, args);
}

async function runMeasurements(args) {
  const { runBench } = await import('../bench/support/run.mjs');
  return runBench(args);
}

async function runFormat(args) {
  const { runTool } = await import('./check.mjs');
  const prettier = ['node_modules/prettier/bin/prettier.cjs', '--write', '--log-level=warn'];
  const { code, output } = await runTool(cloneRoot, [...prettier, ...(args.length ? args : ['.'])]);
  process.stdout.write(output);
  return code;
}
