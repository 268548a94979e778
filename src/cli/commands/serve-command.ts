import type { Command } from 'commander';
import { createConsole } from '../../console/create-console.tsx';
import { createKeyshift } from '../../core/create-keyshift.ts';
import { createApp } from '../../http/create-app.tsx';
import { startServer } from '../../http/start-server.ts';
import { createLogger } from '../../runtime/logger.ts';
import { loadConfig } from '../environment.ts';
import { startBuiltInSandbox } from '../built-in-sandbox.ts';
import { printWelcome } from '../print-welcome.ts';
import type { CommandContext } from '../command-context.ts';

/** `keyshift serve`: the server, with the built-in sandbox beside it where there is no app. */
export function addServeCommand(program: Command, { terminal, run }: CommandContext): void {
  program
    .command('serve')
    .description('run the server (what `npm start` does)')
    .action(
      run(async () => {
        const { config, generated } = loadConfig();
        const logger = createLogger({ level: config.logLevel, readable: process.stderr.isTTY });
        const sandbox = config.sandbox ? await startBuiltInSandbox(config) : undefined;
        try {
          const keyshift = await createKeyshift(config, { logger });
          try {
            const server = await startServer(
              keyshift,
              createApp(keyshift, { console: createConsole }),
            );
            printWelcome(terminal, { config, generated, url: server.url, sandbox });
            await untilStopped();
            terminal.note('stopping: waiting for requests under way');
            await server.close();
          } finally {
            await keyshift.close();
          }
        } finally {
          await sandbox?.close();
        }
        return 0;
      }),
    );
}

/** Resolves when the process is asked to end. A second Ctrl-C ends it at once. */
function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => {
      resolve();
    });
    process.once('SIGTERM', () => {
      resolve();
    });
  });
}
