import type { Command } from 'commander';
import { createConsole } from '../../console/create-console.tsx';
import { openKeyshift } from '../../core/create-keyshift.ts';
import { createApp } from '../../http/create-app.tsx';
import { startServer } from '../../http/start-server.ts';
import { createExitStack } from '../../runtime/exit-stack.ts';
import { createLogger } from '../../runtime/logger.ts';
import { loadConfig } from '../environment.ts';
import { describeForecast } from '../../tokens/sweeper.ts';
import { printWelcome, type Welcome } from '../print-welcome.ts';
import type { Terminal } from '../terminal.ts';
import type { CommandContext } from '../command-context.ts';
import { untilStopped } from '../until-stopped.ts';

/** `keyshift serve`: the server, with the built-in sandbox beside it where there is no app. */
export function addServeCommand(program: Command, { terminal, run }: CommandContext): void {
  program
    .command('serve')
    .description('run the server (what `npm start` does)')
    .action(
      run(async () => {
        const { config, generated } = loadConfig();
        const sandbox = config.sandbox
          ? await (await import('../built-in-sandbox.ts')).startBuiltInSandbox(config)
          : undefined;
        try {
          await serve(terminal, { config, generated, sandbox });
        } finally {
          await sandbox?.close();
        }
        return 0;
      }),
    );
}

/** Runs the server until the process is asked to end; closes everything in order, whatever fails. */
async function serve(terminal: Terminal, welcome: Omit<Welcome, 'url'>): Promise<void> {
  const { config } = welcome;
  const exit = createExitStack();
  try {
    const logger = createLogger({ level: config.logLevel, readable: process.stderr.isTTY });
    const keyshift = await openKeyshift(config, { logger });
    exit.defer(() => keyshift.close());
    const { face, sweeper } = keyshift;
    const server = await startServer(face, createApp(face, { console: createConsole }));
    exit.defer(() => server.close());
    const work = new AbortController();
    void keyshift.work(work.signal);
    exit.defer(() => {
      work.abort();
    });
    printWelcome(terminal, { ...welcome, url: server.url });
    const forecast = await sweeper.forecast();
    if (forecast.grants > 0) terminal.print(describeForecast(forecast, sweeper.ratePerSec));
    await untilStopped();
    terminal.note('stopping: waiting for running requests');
  } finally {
    await exit.close();
  }
}
