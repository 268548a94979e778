import { createControl } from './control/create-control.ts';
import type { SandboxControl } from './control/sandbox-control.ts';
import { createEngine } from './engine.ts';
import type { SandboxOptions } from './sandbox-options.ts';
import { createApp } from './create-app.ts';
import { parseSeed } from './seed/parse-seed.ts';
import type { SandboxSeed } from './seed/seed.ts';
import type { SandboxData } from './state/sandbox-data.ts';
import type { SandboxState } from './state/sandbox-state.ts';

/** A sandbox without a socket: the same handlers, called in the same process. */
export interface EmbeddedSandbox extends SandboxControl {
  /** What the addresses of its endpoints begin with. */
  readonly origin: string;
  /** Answers a request; `undefined` when a fault broke the connection. */
  answer(request: Request): Promise<Response | undefined>;
}

/** What {@link createEmbeddedSandbox} takes. */
export interface EmbeddedSandboxOptions extends Omit<
  SandboxOptions,
  'seed' | 'stateFile' | 'port' | 'host' | 'remoteControl'
> {
  readonly origin: string;
  readonly seed: SandboxSeed;
  readonly createState?: (data: SandboxData) => SandboxState;
}

/**
 * Creates a sandbox that is called instead of listened to, for rehearsals of many thousand calls.
 * Whoever creates it keeps its state.
 */
export function createEmbeddedSandbox(options: EmbeddedSandboxOptions): EmbeddedSandbox {
  const { origin, createState } = options;
  const engine = createEngine(options, {
    seed: parseSeed(options.seed),
    earlier: undefined,
    origin: () => origin,
    changed: () => undefined,
    ...(createState ? { createState } : {}),
  });
  const control = createControl(engine);
  const { signal } = new AbortController();
  const app = createApp({ engine, control, signal, remoteControl: false });
  return {
    ...control,
    origin,
    async answer(request) {
      const broken = new AbortController();
      const reset = () => broken.abort();
      const connection = { remoteAddress: '127.0.0.1', reset, sendHalf: async () => reset() };
      const response = await app.fetch(request, connection);
      return broken.signal.aborted ? undefined : response;
    },
  };
}
