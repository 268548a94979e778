import { openKeyshift, type KeyshiftParts } from '../core/create-keyshift.ts';
import type { KeyshiftConfig } from '../core/config.ts';
import { openWorkbench, type RuntimeOptions, type Workbench } from '../core/workbench.ts';
import { createLogger } from '../runtime/logger.ts';
import { loadConfig } from './environment.ts';

/** A command's run: ends early, in order, when the person presses Ctrl-C. */
export interface Run {
  readonly signal: AbortSignal;
}

/** Runs a command over the store alone; enough for what never speaks OAuth. */
export function withWorkbench(
  work: (workbench: Workbench, run: Run) => Promise<number>,
  adjust: (config: KeyshiftConfig) => KeyshiftConfig = (config) => config,
): Promise<number> {
  return withResource((config, runtime) => openWorkbench(adjust(config), runtime), work);
}

/** Runs a command over a whole Keyshift. */
export function withKeyshift(
  work: (keyshift: KeyshiftParts, run: Run) => Promise<number>,
): Promise<number> {
  return withResource(openKeyshift, work);
}

/** Exit code of a command that Ctrl-C ended early, as shells expect it. */
const interrupted = 130;

async function withResource<Resource extends Workbench>(
  open: (config: KeyshiftConfig, runtime: RuntimeOptions) => Promise<Resource>,
  work: (resource: Resource, run: Run) => Promise<number>,
): Promise<number> {
  const { config } = loadConfig();
  // A command answers by what it prints; its log is for what went wrong on the way.
  const level = config.logLevel === 'info' ? 'warn' : config.logLevel;
  const logger = createLogger({ level, readable: process.stderr.isTTY });
  const abort = new AbortController();
  const onSignal = () => {
    abort.abort(new Error('interrupted'));
  };
  process.once('SIGINT', onSignal);
  const resource = await open(config, { logger });
  try {
    const exitCode = await work(resource, { signal: abort.signal });
    return abort.signal.aborted ? interrupted : exitCode;
  } finally {
    process.removeListener('SIGINT', onSignal);
    await resource.close();
  }
}
