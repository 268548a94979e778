import { describe, expect, it, vi } from 'vitest';
import { createManualClock } from './clock.ts';
import { systemRandom } from './random.ts';
import { runService, type Service } from './service.ts';

async function start(service: Partial<Service>, fraction = 0.5) {
  const clock = createManualClock();
  const stop = new AbortController();
  const errors: string[] = [];
  const logger = { error: (_: object, message: string) => void errors.push(message) };
  const round = vi.fn<Service['round']>(() => Promise.resolve(undefined));
  const random = { ...systemRandom, fraction: () => fraction };
  const running = runService(
    { name: 'the purge', everyMs: 1_000, round, ...service },
    { clock, random, logger: logger as never },
    stop.signal,
  );
  // A round and its pause begin without the clock.
  await new Promise((resolve) => setImmediate(resolve));
  return { clock, stop, errors, round, running };
}

describe('a service', () => {
  it('does its first round at once and the next ones in its time', async () => {
    const { clock, round, stop, running } = await start({});
    expect(round).toHaveBeenCalledTimes(1);
    await clock.advance(999);
    expect(round).toHaveBeenCalledTimes(1);
    await clock.advance(1);
    expect(round).toHaveBeenCalledTimes(2);
    stop.abort();
    await running;
  });

  it.each([
    [0, 750],
    [1, 1_250],
  ])('spreads its rounds by chance: with %s after %s ms', async (fraction, ms) => {
    const { clock, round, stop, running } = await start({}, fraction);
    await clock.advance(ms - 1);
    expect(round).toHaveBeenCalledTimes(1);
    await clock.advance(1);
    expect(round).toHaveBeenCalledTimes(2);
    stop.abort();
    await running;
  });

  it('lets a round say when the next one is due', async () => {
    const round = vi.fn(() => Promise.resolve(5_000));
    const { clock, stop, running } = await start({ round });
    await clock.advance(4_999);
    expect(round).toHaveBeenCalledTimes(1);
    await clock.advance(1);
    expect(round).toHaveBeenCalledTimes(2);
    stop.abort();
    await running;
  });

  it('logs a round that fails, and goes on after its own pause', async () => {
    const round = vi.fn(() => Promise.reject(new Error('away')));
    const { clock, errors, stop, running } = await start({ round, afterFailureMs: 3_000 });
    await clock.advance(2_999);
    expect(errors).toEqual(['the purge failed; the next round tries again']);
    await clock.advance(1);
    expect(round).toHaveBeenCalledTimes(2);
    stop.abort();
    await running;
  });

  it('waits for the round under way when it is stopped, and begins no other', async () => {
    const ended: string[] = [];
    let finish: () => void = () => undefined;
    const round = vi.fn(async () => {
      await new Promise<void>((resolve) => (finish = resolve));
      ended.push('round');
      return undefined;
    });
    const { stop, running } = await start({ round });
    stop.abort();
    const stopped = running.then(() => ended.push('stopped'));
    await Promise.resolve();
    expect(ended).toEqual([]);
    finish();
    await stopped;
    expect(ended).toEqual(['round', 'stopped']);
    expect(round).toHaveBeenCalledTimes(1);
  });

  it('tells nobody of a round that ended because it was stopped', async () => {
    const round = (signal: AbortSignal) =>
      new Promise<undefined>((_, reject) => {
        signal.addEventListener('abort', () => {
          reject(new Error('stopped'));
        });
      });
    const { errors, stop, running } = await start({ round });
    stop.abort();
    await running;
    expect(errors).toEqual([]);
  });

  it('does nothing for a signal that has ended', async () => {
    const round = vi.fn(() => Promise.resolve(undefined));
    const clock = createManualClock();
    const service = { name: 'x', everyMs: 1, round };
    const runtime = { clock, random: systemRandom, logger: { error: vi.fn() } };
    await runService(service, runtime, AbortSignal.abort());
    expect(round).not.toHaveBeenCalled();
  });
});
