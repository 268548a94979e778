#!/usr/bin/env node
import { existsSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';
import { isNewEnough, minimumNode } from './node-version.mjs';

const isClone = existsSync(new URL('../src', import.meta.url));

process.exitCode = await (isClone ? runInClone() : runInstalled());

async function runInstalled() {
  if (!isNewEnough(process.version)) {
    process.stderr.write(
      `keyshift: Node ${minimumNode} or newer is needed, this is ${process.version.slice(1)}. Fix: install a newer Node.\n`,
    );
    return 1;
  }
  return run();
}

async function runInClone() {
  const { endWithParent, runUnder } = await import('../scripts/child.mjs');
  const { printFailure } = await import('../scripts/progress.mjs');
  const { setUp } = await import('../scripts/setup.mjs');
  endWithParent();
  let node;
  try {
    node = await setUp({ build: true });
  } catch (error) {
    printFailure(error);
    return 1;
  }
  if (node !== process.execPath) {
    return runUnder(node, node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)]);
  }
  // Saves a fifth of the start-up. Kept in the clone: in a shared temporary directory another user
  // of the machine could put code of his own in its place.
  module.enableCompileCache?.(
    fileURLToPath(new URL('../node_modules/.cache/keyshift', import.meta.url)),
  );
  return run();
}

async function run() {
  silenceSqliteWarning();
  const cli = await import(new URL('../dist/cli/main.js', import.meta.url));
  return cli.main(process.argv.slice(2));
}

/** Node 22 calls its SQLite experimental on first use; every other warning stays. */
function silenceSqliteWarning() {
  const emitWarning = process.emitWarning;
  process.emitWarning = (warning, ...rest) => {
    if (String(warning).startsWith('SQLite is an experimental feature')) return;
    emitWarning.call(process, warning, ...rest);
  };
}
