import { describe, expect, it } from 'vitest';
import {
  isTimeZone,
  nextOpenMs,
  nextReminder,
  type ReminderPolicy,
  type ToldMessage,
} from './reminder-policy.ts';

const night = { fromMin: 20 * 60, toMin: 8 * 60, timeZone: 'Europe/Berlin' };
const at = (iso: string) => Date.parse(iso);
const next = (iso: string, quiet = night, zone?: string) =>
  new Date(nextOpenMs(at(iso), quiet, zone)).toISOString();

describe('quiet hours', () => {
  it('leave the day alone, and move the night to its end', () => {
    expect(next('2027-01-15T12:34:56.000Z')).toBe('2027-01-15T12:34:56.000Z');
    expect(next('2027-01-15T18:59:59.000Z')).toBe('2027-01-15T18:59:59.000Z');
    expect(next('2027-01-15T19:00:00.000Z')).toBe('2027-01-16T07:00:00.000Z');
    expect(next('2027-01-16T06:59:59.000Z')).toBe('2027-01-16T07:00:00.000Z');
  });

  it('may lie within a day', () => {
    const noon = { fromMin: 12 * 60, toMin: 13 * 60, timeZone: 'UTC' };
    expect(next('2027-01-15T12:30:00.000Z', noon)).toBe('2027-01-15T13:00:00.000Z');
    expect(next('2027-01-15T23:30:00.000Z', noon)).toBe('2027-01-15T23:30:00.000Z');
  });

  it('are those of the customer, who may live elsewhere', () => {
    expect(next('2027-01-15T12:00:00.000Z', night, 'Australia/Sydney')).toBe(
      '2027-01-15T21:00:00.000Z',
    );
    expect(next('2027-01-15T12:00:00.000Z', night, 'No/Where')).toBe('2027-01-15T12:00:00.000Z');
    expect(isTimeZone('No/Where')).toBe(false);
  });

  it('end an hour earlier on the morning that summer time begins', () => {
    expect(next('2027-03-27T22:00:00.000Z')).toBe('2027-03-28T06:00:00.000Z');
    expect(next('2027-10-30T22:00:00.000Z')).toBe('2027-10-31T07:00:00.000Z');
  });
});

describe('the next reminder', () => {
  const dayMs = 86_400_000;
  const sentAtMs = at('2027-01-04T09:00:00.000Z');
  const policy: ReminderPolicy = { afterDays: 3, cap: 2, quietHours: undefined };
  const invitation: ToldMessage = {
    kind: 'invitation',
    channel: 'mail',
    state: 'sent',
    dueAtMs: sentAtMs,
    endedAtMs: sentAtMs,
  };
  const after = (
    days: number,
    told: readonly ToldMessage[],
    changes: Partial<ReminderPolicy> = {},
  ) =>
    nextReminder(
      { ...policy, ...changes },
      {
        told,
        nowMs: sentAtMs + days * dayMs,
        expiresAtMs: sentAtMs + 30 * dayMs,
        timeZone: undefined,
      },
    );
  const reminder = (day: number, state: ToldMessage['state'] = 'sent'): ToldMessage => {
    const atMs = sentAtMs + day * dayMs;
    return { ...invitation, kind: 'reminder', state, dueAtMs: atMs, endedAtMs: atMs };
  };

  it.each<[string, number, ToldMessage[], ReturnType<typeof nextReminder>['kind']]>([
    ['nothing was said', 9, [], 'not_told'],
    ['the invitation failed', 9, [{ ...invitation, state: 'failed' }], 'not_told'],
    ['the links went into a file', 9, [{ ...invitation, channel: 'export' }], 'not_told'],
    ['the invitation is young', 2, [invitation], 'too_early'],
    ['the invitation is old enough', 3, [invitation], 'due'],
    ['the last reminder is young', 5, [invitation, reminder(3)], 'too_early'],
    ['as many went out as may', 20, [invitation, reminder(3), reminder(6)], 'limit_reached'],
    ['one of them was cancelled', 20, [invitation, reminder(3), reminder(6, 'cancelled')], 'due'],
    ['the link has ended', 30, [invitation], 'no_link'],
  ])('where %s', (_name, days, told, kind) => {
    expect(after(days, told).kind).toBe(kind);
  });

  it('goes by the channels of the invitation, and does not count a link that was passed on', () => {
    const handOver = { ...reminder(3), kind: 'hand_over' } as const;
    const told = [invitation, { ...invitation, channel: 'webhook' } as const, handOver];
    expect(after(3, told)).toEqual({
      kind: 'due',
      turn: 1,
      channels: ['mail', 'webhook'],
      dueAtMs: sentAtMs + 3 * dayMs,
    });
  });

  it('waits for the end of the quiet hours, unless the link ends before', () => {
    const quietHours = { fromMin: 8 * 60, toMin: 20 * 60, timeZone: 'UTC' };
    expect(after(3, [invitation], { quietHours })).toMatchObject({
      dueAtMs: at('2027-01-07T20:00:00.000Z'),
    });
    expect(after(29.98, [invitation], { quietHours }).kind).toBe('no_link');
  });
});
