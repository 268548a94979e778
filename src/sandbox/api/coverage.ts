import { handlers } from './handlers.ts';

/**
 * How the sandbox answers an operation: from its own state, with sample data that is marked as
 * such, or 501.
 */
export type Coverage = 'stateful' | 'sample' | '501';

/** How the sandbox answers the operation with this id. */
export function coverageOf(operationId: string): Coverage {
  return handlers.has(operationId) ? 'stateful' : '501';
}
