import type { z } from 'zod';
import type { SandboxControl } from './sandbox-control.ts';

/** One way to control the sandbox over HTTP: what one member of the handle does. */
export interface ControlRoute {
  /** The member of the handle that does the same. */
  readonly ability: keyof SandboxControl;
  /** GET reads, POST acts. */
  readonly method: 'GET' | 'POST';
  /** Below `/_sandbox`. */
  readonly path: string;
  /** What it does, in a phrase. */
  readonly does: string;
  /** Fields of the query, the form or the JSON body. */
  readonly input: z.ZodObject;
  /** The field that the whole body may stand for. */
  readonly whole?: string | undefined;
  /** Whether a person wants to see the result: a key, tokens, a secret, a snapshot. */
  readonly shows?: boolean | undefined;
  readonly run: (control: SandboxControl, input: unknown) => unknown;
}

/** Defines a route, with the input of `run` typed by `input`. */
export function route<Input extends z.ZodObject>(definition: {
  readonly ability: keyof SandboxControl;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly does: string;
  readonly input: Input;
  readonly whole?: keyof Input['shape'] & string;
  readonly shows?: boolean;
  readonly run: (control: SandboxControl, input: z.output<Input>) => unknown;
}): ControlRoute {
  const { input, run } = definition;
  return { ...definition, run: (control, value) => run(control, input.parse(value)) };
}

/** Under which path the control routes are. */
export const controlPrefix = '/_sandbox';
