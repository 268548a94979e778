import { hostname } from 'node:os';
import type { Random } from '../../runtime/random.ts';

/** Names this process and one run in it: `host/pid/run`. */
export function createSenderId(random: Random): string {
  return [hostname(), process.pid, random.id()].join('/');
}

/**
 * Those of the senders that are known to be dead, so that nobody has to wait for their leases:
 * processes of this machine that are gone, and earlier runs under the number of this process, as
 * in a container that was started anew. Of other machines nothing is known.
 */
export function findDeadSenders(ids: readonly string[], own: ReadonlySet<string>): string[] {
  return ids.filter((id) => {
    const [host, pid] = id.split('/');
    if (host !== hostname() || pid === undefined || own.has(id)) return false;
    return Number(pid) === process.pid || !isRunning(Number(pid));
  });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process may not be asked, and is there.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
