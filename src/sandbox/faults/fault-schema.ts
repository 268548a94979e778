import { z } from 'zod';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import type { JsonValue } from '../state/json.ts';
import type { Fault } from './fault.ts';

const status = z
  .number()
  .refine((value) => Number.isInteger(value) && value >= 200 && value <= 599, {
    error: 'status must be between 200 and 599',
  });
const phase = z.enum(['before', 'after']).optional();
const headers = z.record(z.string(), z.string()).optional();
const jsonValue = z.custom<JsonValue>((value) => value !== undefined && isJson(value), {
  error: 'must be JSON',
});

/** What every fault has besides its kind. */
const common = {
  match: z
    .strictObject({
      method: z.string().optional(),
      path: z.string().regex(/^[/*]/, 'match.path must start with / or *').optional(),
      operation: z.string().min(1).optional(),
      accountId: z.string().min(1).optional(),
    })
    .refine(({ path, operation }) => path !== undefined || operation !== undefined, {
      error: 'match.path or match.operation must be given',
    }),
  times: z
    .number()
    .refine((value) => Number.isInteger(value) && value > 0, {
      error: 'times must be a whole number above 0',
    })
    .optional(),
  probability: z
    .number()
    .refine((value) => value >= 0 && value <= 1, { error: 'probability must be between 0 and 1' })
    .optional(),
};

/** A fault as the handle and HTTP take it. */
export const faultSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('status'),
    status,
    headers,
    body: jsonValue.optional(),
    phase,
    ...common,
  }),
  z.strictObject({
    kind: z.literal('delay'),
    delayMs: z.number().min(0, 'delayMs must not be negative'),
    phase,
    ...common,
  }),
  z.strictObject({ kind: z.literal('reset_before'), ...common }),
  z.strictObject({ kind: z.literal('reset_after'), ...common }),
  z.strictObject({
    kind: z.literal('html'),
    status: status.optional(),
    headers,
    phase,
    ...common,
  }),
  z.strictObject({ kind: z.literal('truncated'), ...common }),
  z.strictObject({ kind: z.literal('empty'), status: status.optional(), phase, ...common }),
  z.strictObject({
    kind: z.literal('token_reply'),
    omit: z.array(z.string()).optional(),
    body: z.record(z.string(), jsonValue).optional(),
    ...common,
  }),
]) as unknown as z.ZodType<Fault>;

/** The kinds of faults there are. */
export const faultKinds = [
  'status',
  'html',
  'empty',
  'delay',
  'reset_before',
  'reset_after',
  'truncated',
  'token_reply',
] as const satisfies readonly Fault['kind'][];

/**
 * Refuses what could never happen as written, before it hides in a test.
 *
 * @throws {@link KeyshiftError} `request_invalid`
 */
export function parseFault(value: unknown): Fault {
  const parsed = faultSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path = [], message = 'it is not a fault' } = parsed.error.issues[0] ?? {};
  const place = message.startsWith(String(path.at(-1))) || message.startsWith('match.');
  throw new KeyshiftError(
    'request_invalid',
    `The fault is not valid: ${place || path.length === 0 ? '' : `${path.join('.')}: `}${message}.`,
  );
}

function isJson(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value);
    case 'object':
      return value === null || Object.values(value).every(isJson);
    default:
      return false;
  }
}
