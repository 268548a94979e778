import { InvalidArgumentError } from 'commander';

/** Reads a number of days, 0 or more. */
export function parseDays(value: string): number {
  const days = Number(value);
  if (value.trim() !== '' && Number.isFinite(days) && days >= 0) return days;
  throw new InvalidArgumentError('It must be a number of days, 0 or more.');
}
