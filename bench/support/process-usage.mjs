import { readFileSync } from 'node:fs';

const ticksPerSecond = 100;

/**
 * Whole-process CPU time and memory, as Linux counts them.
 *
 * @param {number} pid
 * @returns {{ cpuUs: number, rssMiB: number }}
 */
export function readUsage(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is the command in brackets, which may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const cpuUs = ((Number(fields[11]) + Number(fields[12])) * 1e6) / ticksPerSecond;
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const rssMiB = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
  return { cpuUs, rssMiB };
}
