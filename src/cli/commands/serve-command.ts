import type { Command } from 'commander';
import { createConsole } from '../../console/create-console.tsx';
import { keepHouse } from '../../core/housekeeping.ts';
import { keepOutreach } from '../../core/keep-outreach.ts';
import { createKeyshift } from '../../core/create-keyshift.ts';
import { createApp } from '../../http/create-app.tsx';
import { startServer } from '../../http/start-server.ts';
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
  const logger = createLogger({ level: config.logLevel, readable: process.stderr.isTTY });
  const keyshift = await createKeyshift(config, { logger });
  const work = new AbortController();
  try {
    const server = await startServer(keyshift, createApp(keyshift, { console: createConsole }));
    const house = Promise.all([
      keepHouse(keyshift, work.signal),
      keepOutreach(keyshift, work.signal),
      keyshift.sweeper.run(work.signal),
      keyshift.watch.run(work.signal),
    ]);
    printWelcome(terminal, { ...welcome, url: server.url });
    const { sweeper } = keyshift;
    const forecast = await sweeper.forecast();
    if (forecast.grants > 0) terminal.print(describeForecast(forecast, sweeper.ratePerSec));
    await untilStopped();
    terminal.note('stopping: waiting for requests under way');
    work.abort();
    await server.close();
    await house;
  } finally {
    await keyshift.close();
  }
}
