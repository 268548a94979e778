import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

interface LockOptions {
  staleMs?: number;
  pollMs?: number;
  onWait?: () => void;
}
const script = new URL('../../scripts/lock.mjs', import.meta.url).href;
const { withLock } = (await import(script)) as {
  withLock<T>(directory: string, work: () => Promise<T>, options?: LockOptions): Promise<T>;
};

function lockPath(): string {
  const directory = mkdtempSync(join(tmpdir(), 'keyshift-lock-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return join(directory, 'nested', 'it.lock');
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

it('frees the lock when the work fails, and passes the failure on', async () => {
  const path = lockPath();
  await expect(withLock(path, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(existsSync(path)).toBe(false);
});

it('lets one in at a time and tells each of the others once that it waits', async () => {
  const path = lockPath();
  let inside = 0;
  let most = 0;
  let waits = 0;
  const work = async (): Promise<void> => {
    inside += 1;
    most = Math.max(most, inside);
    await pause(30);
    inside -= 1;
  };
  const onWait = () => (waits += 1);
  await Promise.all([1, 2, 3, 4].map(() => withLock(path, work, { pollMs: 5, onWait })));
  expect(most).toBe(1);
  expect(waits).toBe(3);
});

it('lets one in at a time when several find the same lock left behind', async () => {
  const path = lockPath();
  mkdirSync(path, { recursive: true });
  utimesSync(path, 1, 1);
  let inside = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    inside += 1;
    most = Math.max(most, inside);
    await pause(20);
    inside -= 1;
  };
  await Promise.all([1, 2, 3, 4, 5].map(() => withLock(path, work, { pollMs: 5 })));
  expect(most).toBe(1);
});

it('respects a lock of another machine as long as its heart beats', async () => {
  const path = lockPath();
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'owner.json'), JSON.stringify({ pid: 999_999_999, host: 'elsewhere' }));
  let entered = false;
  const entering = withLock(path, () => Promise.resolve((entered = true)), {
    pollMs: 5,
    staleMs: 1500,
  });
  await pause(200);
  expect(entered).toBe(false);
  await entering;
  expect(entered).toBe(true);
});

it('keeps a long-held lock alive by its heartbeat', async () => {
  const path = lockPath();
  const order: string[] = [];
  const options = { pollMs: 5, staleMs: 300 };
  const first = withLock(path, () => pause(900).then(() => order.push('first')), options);
  await pause(50);
  const second = withLock(path, () => Promise.resolve(order.push('second')), options);
  await Promise.all([first, second]);
  expect(order).toEqual(['first', 'second']);
});
