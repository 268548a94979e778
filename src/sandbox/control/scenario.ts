import type { z } from 'zod';
import type { Engine } from '../engine.ts';
import type { SandboxControl } from './sandbox-control.ts';

/** What a scenario leaves behind. */
export interface ScenarioEffect {
  readonly did: string;
  readonly clientSecret?: string;
  /** Takes it back; absent where what is done is done. */
  readonly end?: () => void;
}

/** A failure that real integrations met, ready to be played. */
export interface Scenario {
  readonly name: string;
  readonly does: string;
  readonly input: z.ZodObject;
  readonly play: (stage: Stage, input: unknown) => ScenarioEffect;
}

/** What a scenario plays on. */
export interface Stage {
  readonly engine: Engine;
  readonly control: SandboxControl;
}

/** Defines a scenario, with the input of `play` typed by `input`. */
export function scenario<Input extends z.ZodObject>(definition: {
  readonly name: string;
  readonly does: string;
  readonly input: Input;
  readonly play: (stage: Stage, input: z.output<Input>) => ScenarioEffect;
}): Scenario {
  const { input, play } = definition;
  return { ...definition, play: (stage, value) => play(stage, input.parse(value)) };
}
