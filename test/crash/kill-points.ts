import type { RotationMode } from '../../src/sandbox.ts';
import { refreshSteps } from '../../src/tokens/refresh-attempt.ts';

/**
 * Where a process is killed in the middle of a refresh: at every labelled step, and while its
 * request is on the wire. `request_sent` is labelled just before the request leaves; the three
 * below kill when the provider surely has it.
 */
export const killPoints = [
  ...refreshSteps,
  /** The provider has the request, and drops it when its client is gone. */
  'on_wire_dropped',
  /** The provider has processed the request; its answer is on the way. */
  'on_wire_processed',
  /** The provider has the request, and processes it after the death of its client. */
  'on_wire_processed_later',
] as const;
export type KillPoint = (typeof killPoints)[number];

/** At these the provider has spent the refresh token, and nobody has saved its answer. */
const answerDies: ReadonlySet<KillPoint> = new Set([
  'on_wire_processed',
  'on_wire_processed_later',
  'reply_received',
  'before_save',
]);

/** What becomes of a grant whose answer died with the process, by what the provider does. */
const withoutAnswer = {
  none: { survives: true, why: 'the same refresh token goes on working' },
  rotate_with_grace: { survives: true, why: 'the old refresh token works once more' },
  rotate: {
    survives: false,
    why: 'the old refresh token is dead, its successor was in the answer alone',
  },
  rotate_with_reuse_detection: {
    survives: false,
    why: 'the old refresh token ends its family, its successor was in the answer alone',
  },
} as const satisfies Record<RotationMode, { readonly survives: boolean; readonly why: string }>;

/** Whether anything could survive a kill, and why. The suite holds the engine to every line. */
export function fateOf(point: KillPoint, rotation: RotationMode) {
  if (answerDies.has(point)) return withoutAnswer[rotation];
  return point === 'after_save'
    ? { survives: true, why: 'the new pair is saved' }
    : { survives: true, why: 'the refresh token is not spent' };
}
