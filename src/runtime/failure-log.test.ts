import { describe, expect, it } from 'vitest';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import { createManualClock } from './clock.ts';
import { createFailureLog } from './failure-log.ts';
import { createLogger } from './logger.ts';

function open() {
  const lines: Record<string, unknown>[] = [];
  const clock = createManualClock();
  const write = (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>);
  const logger = createLogger({ level: 'debug', destination: { write } });
  return { lines, clock, log: createFailureLog(logger, clock) };
}

describe('the log of failures', () => {
  it('does not fill the disk while every call fails, and counts what it left out', async () => {
    const { lines, clock, log } = open();
    const failure = () => new KeyshiftError('upstream_unreachable', 'Klaviyo is not there.');
    for (let call = 0; call < 5_000; call += 1) log('proxied call failed', failure(), {});
    expect(lines).toHaveLength(60);
    expect(lines.every(({ unlogged }) => unlogged === undefined)).toBe(true);

    log('proxied call failed', new KeyshiftError('internal', 'Something else.'), {});
    expect(lines.at(-1)).toMatchObject({ level: 'error', code: 'internal' });

    await clock.advance(60_000);
    log('proxied call failed', failure(), { requestId: 'r-1' });
    log('proxied call failed', failure(), {});
    expect(lines.slice(-2)).toMatchObject([
      { code: 'upstream_unreachable', requestId: 'r-1', unlogged: 4_940 },
      { code: 'upstream_unreachable' },
    ]);
    expect(lines.at(-1)).not.toHaveProperty('unlogged');
  });

  it("tells the operator how to mend it, and a caller's mistake without a stack", () => {
    const { lines, log } = open();
    log('request failed', new KeyshiftError('client_rejected', 'Klaviyo says no.'), {});
    log('request failed', new KeyshiftError('request_invalid', 'No JSON.'), {});
    expect(lines).toMatchObject([
      { level: 'warn', fix: expect.stringContaining('CLIENT_SECRET') as string, err: {} },
      { level: 'info', reason: 'No JSON.' },
    ]);
    expect(lines[1]).not.toHaveProperty('err');
  });
});
