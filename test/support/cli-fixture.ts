import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { loadConfig } from '../../src/cli/environment.ts';
import { main } from '../../src/cli/main.ts';
import { createTerminal } from '../../src/cli/terminal.ts';
import { openKeyshift, type OpenKeyshift } from '../../src/core/create-keyshift.ts';
import { createLogger } from '../../src/runtime/logger.ts';
import { approveConsent, startSandbox, type Sandbox, type SandboxSeed } from '../../src/sandbox.ts';
import { sandboxEnvironment, testSeed } from './keyshift-fixture.ts';

/** How a command ended and what it printed. */
export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output, each line parsed as JSON. */
  readonly json: readonly unknown[];
}

/** A folder with a `.env.local` that points at a sandbox, where commands run as a person runs them. */
export interface CliBench extends AsyncDisposable {
  readonly sandbox: Sandbox;
  write(name: string, content: string): Promise<void>;
  run(...args: string[]): Promise<CliResult>;
  /** Runs a command and presses Ctrl-C, `afterMs` milliseconds after it began to listen for it. */
  runInterrupted(afterMs: number, ...args: string[]): Promise<CliResult>;
  /** Runs a command at a terminal, where a person answers what it asks. */
  runAnswering(
    answer: boolean,
    ...args: string[]
  ): Promise<CliResult & { readonly questions: readonly string[] }>;
  /** Works with what a command would open here. */
  withKeyshift<Result>(work: (keyshift: OpenKeyshift) => Promise<Result>): Promise<Result>;
  /** Lets the customer of a connection choose an account at Klaviyo and allow. */
  consent(customerId: string, account: string): Promise<void>;
  /** All that was printed so far. */
  printed(): string;
}

const home = process.cwd();
const environment = { ...process.env };

/** Opens the bench in a new temporary folder, which becomes the working folder until it is closed. */
export async function openCliBench(
  changes: Readonly<Record<string, string>> = {},
  seed: SandboxSeed = testSeed,
): Promise<CliBench> {
  const sandbox = await startSandbox({
    seed,
    limits: false,
    settings: { consistency: 'immediate' },
  });
  const folder = await mkdtemp(join(tmpdir(), 'keyshift-cli-'));
  process.chdir(folder);
  const variables = {
    ...sandboxEnvironment(sandbox),
    DATABASE_URL: 'sqlite:./keyshift.db',
    ...changes,
  };
  // Each run reads the file anew, so that what the one before left behind must not win.
  for (const name of Object.keys(variables)) delete process.env[name];
  const lines = Object.entries(variables).map(([name, value]) => `${name}="${value}"`);
  await writeFile('.env.local', lines.join('\n'));
  let all = '';
  const run = async (args: readonly string[], ask?: (question: string) => boolean) => {
    const result = await capture(() =>
      main(args, {
        ...createTerminal(),
        ...(ask
          ? { interactive: true, ask: (question) => Promise.resolve(ask(question)) }
          : { interactive: false }),
      }),
    );
    all += result.stdout + result.stderr;
    return result;
  };
  return {
    sandbox,
    write: (name, content) => writeFile(name, content),
    run: (...args) => run(args),
    runInterrupted: (afterMs, ...args) => pressingCtrlC(afterMs, () => run(args)),
    async runAnswering(answer, ...args) {
      const questions: string[] = [];
      const result = await run(args, (question) => {
        questions.push(question);
        return answer;
      });
      return Object.assign(result, { questions });
    },
    withKeyshift,
    consent: (customerId, account) =>
      withKeyshift((keyshift) => consent(keyshift, customerId, account)),
    printed: () => all,
    async [Symbol.asyncDispose]() {
      process.chdir(home);
      for (const name of Object.keys(process.env)) {
        if (!(name in environment)) delete process.env[name];
      }
      await sandbox.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Calls the work's own listener alone: the test runner listens for the signal too. */
async function pressingCtrlC<Result>(
  afterMs: number,
  work: () => Promise<Result>,
): Promise<Result> {
  const onListener = (event: string | symbol, listener: (signal: string) => void) => {
    if (event !== 'SIGINT') return;
    const press = () => listener('SIGINT');
    // Without a pause even before the next turn of the event loop, which work may not reach.
    if (afterMs === 0) queueMicrotask(press);
    else setTimeout(press, afterMs);
  };
  process.on('newListener', onListener);
  try {
    return await work();
  } finally {
    process.off('newListener', onListener);
  }
}

async function capture(work: () => Promise<number>): Promise<CliResult> {
  const out: string[] = [];
  const err: string[] = [];
  const take = (chunks: string[]) => (chunk: string | Uint8Array) => {
    chunks.push(String(chunk));
    return true;
  };
  const stdout = vi.spyOn(process.stdout, 'write').mockImplementation(take(out));
  const stderr = vi.spyOn(process.stderr, 'write').mockImplementation(take(err));
  try {
    const code = await work();
    const text = out.join('');
    return {
      code,
      stdout: text,
      stderr: err.join(''),
      get json() {
        return text
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as unknown);
      },
    };
  } finally {
    stdout.mockRestore();
    stderr.mockRestore();
  }
}

async function withKeyshift<Result>(
  work: (keyshift: OpenKeyshift) => Promise<Result>,
): Promise<Result> {
  const { config } = loadConfig();
  const keyshift = await openKeyshift(config, { logger: createLogger({ level: 'silent' }) });
  try {
    return await work(keyshift);
  } finally {
    await keyshift.close();
  }
}

async function consent(keyshift: OpenKeyshift, customerId: string, account: string): Promise<void> {
  const attempt = keyshift.authorizations.start({ customerId });
  const { searchParams } = new URL(await approveConsent(attempt.url, { account }));
  const state = searchParams.get('state');
  const admitted = await keyshift.authorizations.admit(state, () => attempt.cookie);
  await keyshift.completeConsent(admitted, searchParams);
}
