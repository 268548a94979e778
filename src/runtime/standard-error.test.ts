import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const urlOf = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);

/** Runs a module in a process whose stream `full` (1 or 2) is a disk without room. */
function runOnFullDisk(full: 1 | 2, source: string) {
  const fd = openSync('/dev/full', 'w');
  try {
    const stdio = ['ignore', full === 1 ? fd : 'pipe', full === 2 ? fd : 'pipe'] as const;
    const args = ['--input-type=module', '--eval', source];
    return spawnSync(process.execPath, args, { stdio: [...stdio], encoding: 'utf8' });
  } finally {
    closeSync(fd);
  }
}

const pause = 'await new Promise((resolve) => setTimeout(resolve, 20));';

describe.runIf(existsSync('/dev/full'))('on a full disk', () => {
  it('a server that cannot write its log goes on working', () => {
    const { status, stdout } = runOnFullDisk(
      2,
      `import { createLogger } from ${urlOf('./logger.ts')};
       const logger = createLogger({ level: 'info' });
       for (let line = 0; line < 3; line += 1) { logger.error('no room'); ${pause} }
       process.stdout.write('still at work');`,
    );
    expect([status, stdout]).toEqual([0, 'still at work']);
  });

  it('a command that cannot write its answer says so in a line, and does not end well', () => {
    const { status, stderr } = runOnFullDisk(
      1,
      `import { createTerminal } from ${urlOf('../cli/terminal.ts')};
       const terminal = createTerminal();
       terminal.print('an answer'); ${pause} terminal.print('and more'); ${pause}
       process.exitCode = 0;`,
    );
    expect(stderr).toMatch(/^keyshift: the output cannot be written \(ENOSPC\)\. Fix: .*\n$/);
    expect(status).toBe(1);
  });

  it('a command that cannot write its notes ends as it would have', () => {
    const { status, stdout } = runOnFullDisk(
      2,
      `import { createTerminal } from ${urlOf('../cli/terminal.ts')};
       const terminal = createTerminal();
       terminal.note('a hint'); ${pause} terminal.note('another'); ${pause}
       terminal.print('done');`,
    );
    expect([status, stdout]).toEqual([0, 'done\n']);
  });
});
