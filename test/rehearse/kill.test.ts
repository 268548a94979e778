import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/runtime/random.ts';
import { root } from '../support/markdown.ts';

/** Set by `npm run test:rehearse`. */
const wantedKills = Number(process.env['REHEARSE_KILLS'] ?? 0);
const kills = wantedKills || 4;
const customers = wantedKills > 0 ? 1_000 : 60;

function start(folder: string): ChildProcess {
  const program = join(root, 'bin/keyshift.mjs');
  const options = ['--customers', String(customers), '--seed', '11', '--json', '--state', folder];
  return spawn(process.execPath, [program, 'rehearse', ...options], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function finish(child: ChildProcess): Promise<{ code: unknown; stdout: string }> {
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [code] = (await once(child, 'close')) as [unknown];
  return { code, stdout: Buffer.concat(chunks).toString() };
}

/** How far a rehearsal has come, as anybody can read who sees its folder. */
function progressIn(folder: string): string {
  const path = join(folder, 'world.db');
  if (!existsSync(path)) return '';
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const row = db.prepare("select value from facts where name = 'progress'").get();
    return String(row?.['value']);
  } catch {
    return ''; // It is being made at this moment.
  } finally {
    db.close();
  }
}

/** Waits until the process works, and a random while more, and kills it. */
async function killAtRandom(child: ChildProcess, folder: string): Promise<string> {
  const before = progressIn(folder);
  const ended = once(child, 'exit');
  while (child.exitCode === null && progressIn(folder) === before) await delay(10);
  await delay(systemRandom.fraction() * 300);
  child.kill('SIGKILL');
  const [, signal] = (await ended) as [unknown, string | null];
  return signal ?? 'ended by itself';
}

describe('a rehearsal that is killed with kill -9 again and again', () => {
  it(
    `ends with the report of one that was left alone: ${kills} kills, ${customers} customers`,
    { timeout: 900_000 },
    async () => {
      const parent = await mkdtemp(join(tmpdir(), 'keyshift-kill-'));
      try {
        const undisturbed = await finish(start(join(parent, 'undisturbed')));
        expect(undisturbed.code).toBe(0);

        const folder = join(parent, 'killed');
        const moments: string[] = [];
        for (let kill = 0; kill < kills; kill += 1) {
          expect(await killAtRandom(start(folder), folder)).toBe('SIGKILL');
          moments.push(progressIn(folder));
        }
        if (wantedKills > 0) process.stdout.write(`\nkilled at ${moments.join(' ')}\n`);
        expect(await finish(start(folder))).toEqual(undisturbed);
        // A finished rehearsal has nothing left to do, and says the same.
        expect(await finish(start(folder))).toEqual(undisturbed);
      } finally {
        await rm(parent, { recursive: true, force: true, maxRetries: 3 });
      }
    },
  );
});
