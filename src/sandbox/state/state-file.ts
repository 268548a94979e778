import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import { systemClock, type Clock } from '../../runtime/clock.ts';
import { sandboxDataSchema, type SandboxData } from './sandbox-data.ts';

const version = 1;
const stateFile = z.object({ version: z.literal(version), data: sandboxDataSchema });

/**
 * Reads the data an earlier run saved.
 *
 * @returns `undefined` when the file does not exist yet
 * @throws {@link KeyshiftError} `config_invalid` when it cannot be read or holds something else
 */
export async function loadState(path: string): Promise<SandboxData | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw stateFileError(path, 'cannot be read', cause);
  }
  const parsed = stateFile.safeParse(parseJson(text));
  if (!parsed.success) throw stateFileError(path, 'is not the state of a sandbox');
  return parsed.data.data;
}

/** A parser's own error would quote the text, and the text holds tokens. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function stateFileError(path: string, problem: string, cause?: unknown): KeyshiftError {
  return new KeyshiftError('config_invalid', `The sandbox's state file ${path} ${problem}.`, {
    ...(cause === undefined ? {} : { cause }),
    fix: 'Delete the file to start afresh from the seed, or name another.',
  });
}

/** How long changes are gathered before they are written, in milliseconds. */
const gatherMs = 100;

/** Saves the state a moment after it changed. */
export interface StateSaver {
  /** Notes that something changed. */
  touch(): void;
  /** Saves what is not saved yet; rejects when it cannot be saved. */
  close(): Promise<void>;
}

/**
 * Creates a saver that writes to a file readable only by its owner, through a temporary file, so
 * that a crash leaves either the old state or the new.
 *
 * @param clock paces the disk: the machine's, not the sandbox's own, which may stand still
 */
export function createStateSaver(
  path: string,
  snapshot: () => SandboxData,
  clock: Clock = systemClock,
): StateSaver {
  const closing = new AbortController();
  let waiting = false;
  let unsaved = false;
  let writing: Promise<void> = Promise.resolve();

  const save = async () => {
    if (!unsaved) return;
    unsaved = false;
    try {
      await write(path, snapshot());
    } catch (error) {
      unsaved = true;
      throw error;
    }
  };
  const saveSoon = async () => {
    waiting = true;
    await clock.sleep(gatherMs, closing.signal);
    waiting = false;
    // A failure here waits for the next change; `close` reports it when it lasts.
    writing = writing.then(save).catch(() => undefined);
  };
  return {
    touch() {
      unsaved = true;
      // Only `close` ends the wait early, and saves what is left itself.
      if (!waiting) saveSoon().catch(() => undefined);
    },
    async close() {
      closing.abort();
      await writing;
      await save();
    },
  };
}

async function write(path: string, data: SandboxData): Promise<void> {
  const temporary = `${path}.tmp`;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(temporary, JSON.stringify({ version, data }), { mode: 0o600 });
  await rename(temporary, path);
}
