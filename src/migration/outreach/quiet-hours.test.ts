import { describe, expect, it } from 'vitest';
import { isTimeZone, nextOpenMs } from './quiet-hours.ts';

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
