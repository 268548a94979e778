import { spawn } from 'node:child_process';

const keptOutputBytes = 200_000;

/**
 * Runs a command to its end and keeps what it prints instead of showing it.
 *
 * A SIGINT or SIGTERM of this process is passed on and awaited, so that no half-done `npm ci` goes
 * on in the background after its parent has gone.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, shell?: boolean }} [options]
 * @returns {Promise<{ code: number, output: string }>} `code` is 127 when the command was not found
 */
export async function runQuietly(command, args, options = {}) {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keep = (chunk) => {
    output = (output + chunk).slice(-keptOutputBytes);
  };
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);

  let interruptedBy;
  const forward = (signal) => {
    interruptedBy = signal;
    child.kill(signal);
  };
  process.on('SIGINT', forward).on('SIGTERM', forward);
  try {
    const code = await new Promise((resolve) => {
      child.once('error', (error) => {
        keep(error.message);
        resolve(error.code === 'ENOENT' ? 127 : 1);
      });
      child.once('close', (status) => resolve(status ?? 1));
    });
    return { code, output };
  } finally {
    process.off('SIGINT', forward).off('SIGTERM', forward);
    if (interruptedBy) process.kill(process.pid, interruptedBy);
  }
}
