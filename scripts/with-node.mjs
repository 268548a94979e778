/**
 * `node scripts/with-node.mjs [--build] [NAME=value …] [tool] [arguments …]`: brings what the clone
 * lacks, which is Node where the machine's is old, the packages of package-lock.json and, with
 * `--build`, a build of `src`; then runs a tool of `node_modules/.bin`, or `node`, as if it had been
 * called by name. `NAME=value` holds where the environment has no such variable.
 */
import { endWithParent, runUnder } from './child.mjs';
import { printFailure } from './progress.mjs';
import { setUp } from './setup.mjs';

endWithParent();
const args = process.argv.slice(2);
const build = args[0] === '--build';
if (build) args.shift();
while (/^\w+=/.test(args[0] ?? '')) {
  const [name, value] = args.shift().split('=', 2);
  process.env[name] ??= value;
}
const [tool, ...toolArgs] = args;
try {
  const node = await setUp({ build });
  if (tool === undefined) process.stderr.write('keyshift: set-up is complete\n');
  else process.exitCode = await runUnder(node, tool, toolArgs);
} catch (error) {
  printFailure(error);
  process.exitCode = 1;
}
