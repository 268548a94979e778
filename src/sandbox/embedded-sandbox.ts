import { createControl } from './control/create-control.ts';
import type { SandboxControl } from './control/sandbox-control.ts';
import { createEngine } from './engine.ts';
import type { SandboxRequest } from './http/sandbox-request.ts';
import type { Reply } from './http/reply.ts';
import type { SandboxOptions } from './sandbox-options.ts';
import { carryOut } from './serve-request.ts';
import { parseSeed } from './seed/parse-seed.ts';
import type { SandboxSeed } from './seed/seed.ts';
import type { SandboxData } from './state/sandbox-data.ts';
import type { SandboxState } from './state/sandbox-state.ts';

/** A sandbox without a socket: the same handlers, called in the same process. */
export interface EmbeddedSandbox extends SandboxControl {
  /** What the addresses of its endpoints begin with. */
  readonly origin: string;
  /** Answers a request; `undefined` when a fault swallowed it. */
  answer(request: SandboxRequest): Promise<Reply | undefined>;
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
  const serving = { engine, control, signal, remoteControl: false };
  return {
    ...control,
    origin,
    answer: async (request) => (await carryOut(serving, request)).reply,
  };
}
