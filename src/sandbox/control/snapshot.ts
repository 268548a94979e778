import { z } from 'zod';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import type { Engine } from '../engine.ts';
import { parseFault } from '../faults/fault-schema.ts';
import { settingsPatchSchema } from '../context/settings.ts';
import { sandboxDataSchema } from '../state/sandbox-data.ts';
import type { SandboxSnapshot } from './sandbox-control.ts';

/** The form of a snapshot; its faults are looked at one by one. */
export const snapshotSchema = z.object({
  version: z.literal(1),
  data: sandboxDataSchema,
  settings: settingsPatchSchema,
  clock: z.object({ nowMs: z.number(), frozen: z.boolean(), aheadMs: z.number() }),
  faults: z.array(z.unknown()),
});

/**
 * Takes a snapshot. It is independent of the sandbox: nothing that happens later is in it, and
 * what was taken on before has taken effect.
 */
export function takeSnapshot({ context, clock, faults, settledData }: Engine): SandboxSnapshot {
  const snapshot: SandboxSnapshot = {
    version: 1,
    data: settledData(),
    settings: context.settings,
    clock: clock.reading(),
    faults: faults.list().map(({ fault, remaining }) => ({
      ...fault,
      ...(remaining === null ? {} : { times: remaining }),
    })),
  };
  return structuredClone(snapshot);
}

/**
 * Returns the sandbox to a snapshot, of this run or another: state, settings, faults and
 * clock. The request log goes on. A clock that was frozen is frozen at the same time again; one that
 * ran is as far ahead as it was.
 *
 * @throws {@link KeyshiftError} `request_invalid` when it is not a snapshot; nothing has changed then
 */
export function restoreSnapshot(engine: Engine, value: unknown): void {
  const parsed = snapshotSchema.safeParse(value);
  if (!parsed.success) {
    const place = parsed.error.issues[0]?.path.map(String).join('.') ?? '';
    throw new KeyshiftError(
      'request_invalid',
      `This is not a snapshot of a sandbox${place ? `: see ${place}` : ''}.`,
      { fix: 'Use what GET /_sandbox/snapshot or snapshot() returned.' },
    );
  }
  const { data, settings, clock, faults } = parsed.data;
  const checked = faults.map(parseFault);
  engine.changeSettings(settings);
  engine.clock.resume('real-time');
  if (clock.frozen) engine.clock.freeze(clock.nowMs);
  else engine.clock.advance(clock.aheadMs);
  engine.faults.clear();
  for (const fault of checked) engine.faults.add(fault);
  engine.replaceState(data);
}
