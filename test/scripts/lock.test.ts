import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

interface LockOptions {
  pollMs?: number;
  onWait?: () => void;
}
const script = new URL('../../scripts/setup.mjs', import.meta.url).href;
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
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '999999999');
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

it('says what is in the way when the lock cannot be read', async () => {
  const path = lockPath();
  mkdirSync(path, { recursive: true });
  const refused = withLock(path, () => Promise.resolve(), { pollMs: 5 });
  await expect(refused).rejects.toThrow(`${path} cannot be read (EISDIR). Fix: remove it`);
});
