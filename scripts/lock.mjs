import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';

/**
 * Runs `work` while holding a lock that every process of this clone can see: a directory, since
 * making one is atomic on every file system. The lock of a process that has died is taken over.
 *
 * @template T
 * @param {string} directory path of the lock
 * @param {() => Promise<T>} work
 * @param {{ staleMs?: number, pollMs?: number, onWait?: () => void }} [options] `staleMs`: age
 *   without a heartbeat after which a lock counts as left behind
 * @returns {Promise<T>}
 */
export async function withLock(directory, work, options = {}) {
  const { staleMs = 30_000, pollMs = 100, onWait = () => {} } = options;
  await mkdir(dirname(directory), { recursive: true });
  const owner = { pid: process.pid, host: hostname(), token: randomBytes(8).toString('hex') };

  for (let told = false; !(await acquire(directory, owner));) {
    if (await isLeftBehind(directory, staleMs)) {
      await takeAway(directory, staleMs);
      continue;
    }
    if (!told) onWait();
    told = true;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }

  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(directory, now, now).catch(() => {});
  }, staleMs / 6);
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    const current = await readOwner(directory);
    if (current?.token === owner.token) await rm(directory, { recursive: true, force: true });
  }
}

async function acquire(directory, owner) {
  try {
    await mkdir(directory);
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
  await writeFile(join(directory, 'owner.json'), JSON.stringify(owner));
  return true;
}

async function readOwner(directory) {
  try {
    return JSON.parse(await readFile(join(directory, 'owner.json'), 'utf8'));
  } catch {
    return undefined;
  }
}

async function isLeftBehind(directory, staleMs) {
  const owner = await readOwner(directory);
  if (owner?.host === hostname() && !isAlive(owner.pid)) return true;
  const age = await ageMs(directory);
  return age !== undefined && age > staleMs;
}

/**
 * Only one process at a time may remove a lock left behind, and it looks once more before it does:
 * otherwise a slow one would remove the fresh lock of the quick one that came before it.
 */
async function takeAway(directory, staleMs) {
  const guard = `${directory}.takeover`;
  try {
    await mkdir(guard);
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    if (((await ageMs(guard)) ?? 0) > staleMs) await rm(guard, { recursive: true, force: true });
    else await new Promise((resolve) => setTimeout(resolve, 20));
    return;
  }
  try {
    if (!(await isLeftBehind(directory, staleMs))) return;
    const aside = `${directory}.stale-${randomBytes(4).toString('hex')}`;
    await rename(directory, aside);
    await rm(aside, { recursive: true, force: true });
  } finally {
    await rm(guard, { recursive: true, force: true });
  }
}

async function ageMs(directory) {
  try {
    return Date.now() - (await stat(directory)).mtimeMs;
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
