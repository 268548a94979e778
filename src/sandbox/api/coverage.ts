import { handlers } from './handlers.ts';
import { sampleHandlers } from './samples/sample-handlers.ts';

/**
 * How the sandbox answers an operation: from its own state, with sample data that is marked as
 * such, or 501.
 */
export type Coverage = 'stateful' | 'sample' | '501';

/** How the sandbox answers the operation with this id. */
export function coverageOf(operationId: string): Coverage {
  if (Object.hasOwn(sampleHandlers, operationId)) return 'sample';
  return handlers.has(operationId) ? 'stateful' : '501';
}
