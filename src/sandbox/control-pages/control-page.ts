import type { SandboxControl } from '../control/sandbox-control.ts';
import type { SandboxContext } from '../context/sandbox-context.ts';

/** What the page is made from. */
export interface ControlPage {
  readonly context: SandboxContext;
  readonly control: SandboxControl;
}
