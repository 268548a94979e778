import { spawn } from 'node:child_process';
import { dirname, delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The directory of the clone that this file is part of. */
export const cloneRoot = dirname(dirname(fileURLToPath(import.meta.url)));

/** Set for what {@link runUnder} starts: it ends when its parent has gone. */
const marker = 'ENDS_WITH_PARENT';
const onWindows = process.platform === 'win32';
const keptOutputBytes = 200_000;

/**
 * This process's environment with `node` and the tools of the clone first in PATH.
 *
 * @param {string} node path of a `node`
 * @param {string} [root] the clone's directory
 * @returns {NodeJS.ProcessEnv}
 */
export function withNodeFirst(node, root = cloneRoot) {
  const name = Object.keys(process.env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH';
  const first = [dirname(node), join(root, 'node_modules', '.bin')];
  const rest = (process.env[name] ?? '').split(delimiter).filter((part) => !first.includes(part));
  return { ...process.env, [name]: [...first, ...rest].join(delimiter) };
}

/**
 * Runs a tool of the clone, or `node` itself, under another Node: same input and output, signals
 * passed on, and at the end the same exit code or signal.
 *
 * @param {string} node path of the `node` to run it under
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {Promise<number>} the exit code; never resolves when the command died of a signal
 */
export async function runUnder(node, command, args) {
  const env = { ...withNodeFirst(node), [marker]: '1' };
  const { code, signal } = await runChild(command, args, { env, stdio: 'inherit' });
  if (signal) {
    process.kill(process.pid, signal);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  return code;
}

/**
 * Runs a command to its end. Signals of this process are passed on and the end is awaited, so that
 * nothing goes on in the background after its parent has gone.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} options
 * @returns {Promise<{ code: number, signal?: NodeJS.Signals, output: string }>} `output` is what was
 *   printed where it is not inherited; `code` is 127 when the command was not found
 */
export async function runChild(command, args, options) {
  // Tools of npm are .cmd files on Windows, which only a shell can run.
  const child = spawn(command, args, { shell: onWindows && !command.endsWith('.exe'), ...options });
  let output = '';
  const keep = (chunk) => {
    output = (output + chunk).slice(-keptOutputBytes);
  };
  child.stdout?.setEncoding('utf8').on('data', keep);
  child.stderr?.setEncoding('utf8').on('data', keep);

  // Ctrl-C in a terminal reaches the child as well, which is of the same group.
  const inTerminal = [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);
  let passedOn;
  const forward = (signal) => {
    passedOn = signal;
    if (signal !== 'SIGINT' || !inTerminal) child.kill(signal);
  };
  const signals = onWindows ? ['SIGINT'] : ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];
  for (const signal of signals) process.on(signal, forward);
  try {
    return await new Promise((resolve) => {
      child.once('error', (error) => {
        resolve({ code: error.code === 'ENOENT' ? 127 : 1, output: output + error.message });
      });
      child.once('close', (code, signal) => {
        resolve({ code: code ?? 1, signal: signal ?? undefined, output });
      });
    });
  } finally {
    for (const signal of signals) process.off(signal, forward);
    // What was asked to stop between two steps must not begin the next one.
    if (passedOn && options.stdio !== 'inherit') process.kill(process.pid, passedOn);
  }
}

/**
 * In a process started by npm or by {@link runUnder}: ends it when its parent has gone. npm hands a
 * SIGTERM only to the shell between, which dies of it without telling anyone.
 */
export function endWithParent() {
  const { npm_lifecycle_event: startedByNpm, [marker]: startedByUs } = process.env;
  delete process.env[marker];
  if (onWindows || !(startedByNpm || startedByUs)) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM');
  }, 300);
  timer.unref();
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      clearInterval(timer);
      // Having listened must not keep alive a process that nobody else prepared for the signal.
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    });
  }
}
