import { readFileSync } from 'node:fs';
import { withNodeFirst } from './bootstrap.mjs';

const marker = 'KEYSHIFT_RELAYED';
const relayedSignals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGWINCH'];

/**
 * Goes on under another Node as if this process had become it: same input and output, signals
 * passed on, same exit code or signal at the end.
 *
 * @param {string} node path of the `node` to go on with
 * @param {readonly string[]} args
 * @returns {Promise<number>} the exit code; never returns when the other Node died of a signal
 */
export async function relay(node, args) {
  const { spawn } = await import('node:child_process');
  const onWindows = process.platform === 'win32';
  const child = spawn(node, args, {
    // A session of its own: Ctrl-C in a terminal reaches this process alone, which passes it on,
    // so that the child sees one SIGINT and not two.
    detached: !onWindows,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...withNodeFirst(node), [marker]: '1' },
  });
  const forward = (signal) => {
    if (!onWindows) child.kill(signal);
  };
  for (const signal of relayedSignals) {
    if (!onWindows || signal === 'SIGINT') process.on(signal, forward);
  }
  const { code, signal } = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (status, killer) => resolve({ code: status, signal: killer }));
  });
  for (const name of relayedSignals) process.off(name, forward);
  if (signal) {
    process.kill(process.pid, signal);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  return code ?? 1;
}

/**
 * In a process started by {@link relay}: ends when the relaying one has died, even of SIGKILL, so
 * that no server stays behind on its port.
 */
export function endWithRelay() {
  if (process.env[marker] === undefined || !process.channel) return;
  delete process.env[marker];
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel.unref();
}

/**
 * In a process started by `npm run`: ends when npm has gone. npm hands a SIGTERM only to the shell
 * between the two, which dies of it without telling anyone.
 */
export function endWithNpm() {
  const { npm_lifecycle_event: startedByNpm, [marker]: relayed } = process.env;
  if (!startedByNpm || relayed || process.platform === 'win32') return;
  const shell = process.ppid;
  const npm = isShellOfScript(shell) ? parentOf(shell) : undefined;
  const timer = setInterval(() => {
    const gone = process.ppid !== shell || (npm !== undefined && parentOf(shell) !== npm);
    if (gone) process.kill(process.pid, 'SIGTERM');
  }, 200);
  timer.unref();
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      clearInterval(timer);
      // Having listened must not keep alive a process that nobody else prepared for the signal.
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    });
  }
}

/** Some shells become the command they are given, and then the parent is npm itself. */
function isShellOfScript(pid) {
  return /\0-c\0.*scripts\/run\.mjs/s.test(readProcFile(pid, 'cmdline'));
}

function parentOf(pid) {
  const [, parent] = /^.*\) \S (\d+)/s.exec(readProcFile(pid, 'stat')) ?? [];
  return parent;
}

/** Empty where there is no /proc: then only the direct parent is watched. */
function readProcFile(pid, name) {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
