import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import {
  calendarDay,
  concurrencyOption,
  parseDays,
  decimal,
  limitOption,
  whole,
} from './options.ts';

describe('a number on the command line', () => {
  const slips = ['', ' ', '-1', '+1', 'abc', '10abc', '1e3', '0x10', ' 7', '7 ', '1,5', '∞', 'NaN'];

  it.each(slips)('is refused when it is not written in digits: %j', (text) => {
    for (const parse of [whole(0, 1_000), decimal(0, 1_000), parseDays]) {
      expect(() => parse(text)).toThrow(InvalidArgumentError);
    }
  });

  it('is refused outside of its bounds, which the error names', () => {
    expect(() => whole(1, 64)('0')).toThrow('It must be a whole number from 1 to 64.');
    expect(() => whole(1, 64)('65')).toThrow('It must be a whole number from 1 to 64.');
    expect(() => decimal(0, 100)('100.1')).toThrow('It must be a number from 0 to 100.');
  });

  it('is taken at its bounds, with decimals only where they mean something', () => {
    expect([whole(1, 64)('1'), whole(1, 64)('64')]).toEqual([1, 64]);
    expect(() => whole(1, 64)('1.5')).toThrow(InvalidArgumentError);
    expect([decimal(0, 100)('99.5'), parseDays('0'), parseDays('0.5')]).toEqual([99.5, 0, 0.5]);
  });

  it('is never so many days that no date is that far away', () => {
    expect(() => parseDays('99999999')).toThrow(InvalidArgumentError);
  });

  it.each([limitOption(50), concurrencyOption()])(
    'of a shared option is read the same',
    (option) => {
      expect(() => option.parseArg?.('nonsense', undefined)).toThrow(InvalidArgumentError);
      expect(() => option.parseArg?.('-1', undefined)).toThrow(InvalidArgumentError);
      expect(option.parseArg?.('12', 0)).toBe(12);
    },
  );
});

describe('a day on the command line', () => {
  it('begins at midnight in UTC', () => {
    expect(calendarDay('2027-01-31')).toBe(Date.UTC(2027, 0, 31));
  });

  it.each(['2027-02-30', '2027-1-31', '31.01.2027', 'tomorrow', ''])('must exist: %j', (text) => {
    expect(() => calendarDay(text)).toThrow('It must be a day, such as 2027-01-31.');
  });
});
