import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type {
  CallTally,
  EngineCommand,
  EngineReply,
  EngineSetup,
} from './engine-process-messages.ts';

/** A token engine in another process. `await using` kills what still runs. */
export interface EngineProcess extends AsyncDisposable {
  /** Gives a command; rejects when the process ends before it answers. */
  run(command: EngineCommand): Promise<CallTally>;
  signal(signal: 'SIGKILL' | 'SIGCONT'): void;
  /** Resolves when the process tells that it is about to stop or to die. */
  trapped(): Promise<void>;
  /** Resolves with the signal that ended the process, or null. */
  readonly ended: Promise<NodeJS.Signals | null>;
}

const program = fileURLToPath(new URL('./engine-process-program.ts', import.meta.url));

/** Starts a process and, when a setup is given, opens its engine. */
export async function startEngineProcess(setup?: EngineSetup): Promise<EngineProcess> {
  const child = fork(program, {
    execArgv: [],
    env: {
      ...process.env,
      NODE_NO_WARNINGS: '1',
      // Types are stripped once, not once for each of many processes.
      NODE_COMPILE_CACHE: join(tmpdir(), 'keyshift-compile-cache'),
    },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  // A test that was given up must not keep its worker waiting for a process that stands still.
  child.unref();
  child.channel?.unref();
  (child.stdout as Socket).unref();
  const waiting = new Map<number, PromiseWithResolvers<CallTally>>();
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  let lastId = 0;

  child.on('message', (message) => {
    const reply = message as EngineReply;
    const answer = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ('tally' in reply) answer?.resolve(reply.tally);
    else answer?.reject(new Error(`the engine process failed: ${reply.defect}`));
  });
  const ended = once(child, 'exit').then(([, signal]) => {
    for (const answer of waiting.values()) answer.reject(new Error('the engine process ended'));
    waiting.clear();
    return signal as NodeJS.Signals | null;
  });

  const engine: EngineProcess = {
    ended,
    run(command) {
      const id = ++lastId;
      const answer = Promise.withResolvers<CallTally>();
      waiting.set(id, answer);
      // A test that fails elsewhere lets go of its answers.
      answer.promise.catch(() => undefined);
      child.send({ id, command }, (error) => {
        if (error) answer.reject(error);
      });
      return answer.promise;
    },
    signal: (signal) => void child.kill(signal),
    async trapped() {
      await lines.next();
      // It says so before it stops: a SIGCONT that came between the two would be lost for ever.
      const stoppedBy = performance.now() + 5_000;
      while (!isStopped(child.pid) && performance.now() < stoppedBy) await delay(5);
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
  if (setup) await engine.run({ do: 'open', setup });
  return engine;
}

/** Whether a process stands still or is gone, as Linux tells. */
function isStopped(pid: number | undefined): boolean {
  try {
    return /^\d+ \(.*\) [TtZX] /s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

/** Several processes that run the same command at the same moment; their answers as one. */
export async function runTogether(
  processes: readonly EngineProcess[],
  command: EngineCommand,
): Promise<CallTally> {
  const tallies = await Promise.all(processes.map((each) => each.run(command)));
  return {
    statuses: sum(tallies.map(({ statuses }) => statuses)),
    errors: sum(tallies.map(({ errors }) => errors)),
    generations: [...new Set(tallies.flatMap(({ generations }) => generations))].sort(
      (a, b) => a - b,
    ),
    retryAfterSec: Math.max(...tallies.map(({ retryAfterSec }) => retryAfterSec)),
  };
}

function sum(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const [name, count] of counts.flatMap((each) => Object.entries(each))) {
    total[name] = (total[name] ?? 0) + count;
  }
  return total;
}
